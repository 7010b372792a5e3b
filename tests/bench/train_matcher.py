"""The weights of `digest.ingest.matching.classifier`, fitted on the shared data: `python -m tests.bench.train_matcher --write`.

Prints precision and recall at the flag's threshold where whole works are held out, five times, set by set. All pairs
count, also those that a rule turns away before the weights are asked. Without `--write` nothing is changed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digest.ingest.matching.classifier import FLAG_PROBABILITY, is_ruled_out
from digest.ingest.matching.features import SIMILARITY_FEATURES, is_other_edition, measure_similarity
from tests.bench.matcher_pairs import Pair, embedded, every
from tests.conftest import SHARED

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_TARGET = Path(__file__).parents[2] / "digest" / "data" / "match_weights.json"
_FOLDS, _FIRMNESS = 5, 1.0
_BY_HAND = {"same_week": 0.8}  # nearly all true pairs lie within weeks of each other here, and not in life
# What people wrote counts more than what is made of a paper's own words.
_COUNTS = {"dair-nickname-vs-arxiv": 3.0, "near-title": 3.0, "name-collision": 3.0, "name and text": 0.5}


def measured(pairs: list[Pair]) -> tuple[Array, Flags]:
    """The measures of the pairs, and which of them the rules leave to the weights."""
    near = (embedded([pair.one for pair in pairs]) * embedded([pair.other for pair in pairs])).sum(axis=1)
    rows = [measure_similarity(pair.one, pair.other, float(cosine)) for pair, cosine in zip(pairs, near, strict=True)]
    ruled = [
        is_ruled_out(pair.one, pair.other, float(cosine)) or is_other_edition(pair.one, pair.other)
        for pair, cosine in zip(pairs, near, strict=True)
    ]
    return np.array(rows), ~np.array(ruled)


def fit(rows: Array, labels: Array, counts: Array) -> Array:
    """The weights and, last, the bias, by Newton's steps; those set by hand stay as they are."""
    design = np.column_stack([rows, np.ones(len(rows))])
    free = np.array([name not in _BY_HAND for name in SIMILARITY_FEATURES] + [True])
    weights = np.array([_BY_HAND.get(name, 0.0) for name in SIMILARITY_FEATURES] + [0.0])
    firm = np.append(np.full(len(SIMILARITY_FEATURES), _FIRMNESS), 0.0)[free]
    for _ in range(40):
        chance = 1 / (1 + np.exp(-design @ weights))
        slope = design[:, free].T @ (counts * (labels - chance)) - firm * weights[free]
        curve = (design[:, free] * (counts * chance * (1 - chance))[:, None]).T @ design[:, free] + np.diag(firm)
        weights[free] += np.linalg.solve(curve, slope)
    return weights


def held_out(rows: Array, left: Flags, labels: Array, counts: Array, works: list[str]) -> Flags:
    """Which pairs are flagged by weights that had not seen their works."""
    order = {work: place for place, work in enumerate(dict.fromkeys(sorted(works)))}
    fold = np.array([order[work] * 7919 % 104_729 % _FOLDS for work in works])
    flagged = np.zeros(len(labels), bool)
    for number in range(_FOLDS):
        seen = (fold != number) & left
        weights = fit(rows[seen], labels[seen], counts[seen])
        flagged[fold == number] = rows[fold == number] @ weights[:-1] + weights[-1] >= np.log(
            FLAG_PROBABILITY / (1 - FLAG_PROBABILITY)
        )
    found: Flags = flagged & left
    return found


def told(flagged: Flags, labels: Array, kinds: list[str]) -> str:
    """Precision and recall in all, and the pairs right of each set."""
    right = float((flagged & (labels == 1)).sum())
    lines = [f"precision {right / flagged.sum():.3f}, recall {right / labels.sum():.3f}"]
    for kind in dict.fromkeys(kinds):
        for same in (1, 0):
            these = np.array([each == kind for each in kinds]) & (labels == same)
            if these.any():
                good = int((flagged == (labels == 1))[these].sum())
                lines.append(f"  {kind}, {'one work' if same else 'two works'}: {good} of {these.sum()} right")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    pairs = every(given.data)
    rows, left = measured(pairs)
    labels = np.array([float(pair.same) for pair in pairs])
    counts = np.array([_COUNTS.get(pair.kind, 1.0) for pair in pairs])
    works, kinds = [pair.work for pair in pairs], [pair.kind for pair in pairs]
    print(
        f"{len(pairs)} pairs, {int(labels.sum())} of them one work, {len(set(works))} works held out in {_FOLDS} parts"
    )
    print(told(held_out(rows, left, labels, counts, works), labels, kinds))
    *weights, bias = (round(float(weight), 2) for weight in fit(rows[left], labels[left], counts[left]))
    found = {**dict(zip(SIMILARITY_FEATURES, weights, strict=True)), "bias": bias}
    print(found)
    if given.write:
        _TARGET.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
