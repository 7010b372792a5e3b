"""Weights for `digest.intake.verdict` from the shared data, beside the shipped: `python -m tests.bench.train_matcher`.

Pairs: the labelled ones with ids and links withheld, and each curator's pick of 2025 under the curator's short title,
against its paper (same) and against the papers of its month that are nearest by vector (different). Prints precision
and recall where whole works are held out, five times, those of the shipped weights, then the weights for all pairs.
These have few works that share a name, and flag a post on another one of the name; the shipped ones, which saw more
such pairs, do not, and are kept for that.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.intake import Record, record
from digest.intake.likeness import MEASURES, measures, other_edition
from digest.intake.verdict import BIAS, FLAG, WEIGHTS, hopeless
from digest.vectors import vectors
from tests.conftest import SHARED

Array = NDArray[np.float64]
Pair = tuple[Record, Record, bool, str]  # two records, whether they are one work, the group that is held out whole

_FOLDS, _NEAREST, _FIRMNESS = 5, 4, 1.0
_BY_HAND = {"same_week": 0.8}  # nearly all true pairs lie within a week of each other here, and not in life


def labelled(data: Path) -> Iterator[Pair]:
    """The labelled pairs; those that share a record are one group."""
    groups: dict[str, str] = {}
    for row in _lines(data / "duplicate_pairs.jsonl.gz"):
        names = [str(row[side].get("arxiv_id") or row[side].get("url") or row[side]["title"]) for side in ("a", "b")]
        group = next((groups[name] for name in names if name in groups), names[0])
        groups |= dict.fromkeys(names, group)
        one, other = (record({**row[side], "arxiv_id": None, "url": ""}) for side in ("a", "b"))
        yield one, other, row["label"] == "same", group


def picked(data: Path) -> Iterator[Pair]:
    """Picks under their curators' titles, with their papers and those papers' neighbours."""
    picks = [row for row in _lines(data / "picks.jsonl.gz") if row["curator"] == "dair-ai" and row["month"] > "2025"]
    for month in sorted({row["month"] for row in picks}):
        pool = list(_lines(data / "pools" / f"{month}.jsonl.gz"))
        places = {row["arxiv_id"]: place for place, row in enumerate(pool)}
        papers = [record({**row, "arxiv_id": None, "url": "", "date": row["published"]}) for row in pool]
        matrix = _embedded(papers)
        for pick in picks:
            place = places.get(pick["arxiv_id"]) if pick["month"] == month else None
            if place is None or not pick["title"]:
                continue
            post = record({"title": pick["title"], "source": "list", "date": pool[place]["published"]})
            near = np.argsort(matrix @ _embedded([post])[0])[::-1][: _NEAREST + 1]
            for other in {place, *map(int, near[:_NEAREST])}:
                yield post, papers[other], other == place, pick["arxiv_id"]


def measured(pairs: list[Pair]) -> tuple[Array, Array, list[str]]:
    """Measures, labels and groups of the pairs that the weights decide on; rules settle the others before them."""
    ours, theirs = _embedded([pair[0] for pair in pairs]), _embedded([pair[1] for pair in pairs])
    rows, labels, groups = [], [], []
    for (one, other, same, group), mine, its in zip(pairs, ours, theirs, strict=True):
        near = float(mine @ its)
        if not hopeless(one, other, near) and not other_edition(one, other):
            rows.append(measures(one, other, near))
            labels.append(float(same))
            groups.append(group)
    return np.array(rows), np.array(labels), groups


def fit(rows: Array, labels: Array) -> Array:
    """The weights and, last, the bias, by Newton's steps; those set by hand stay as they are."""
    design = np.column_stack([rows, np.ones(len(rows))])
    free = np.array([name not in _BY_HAND for name in MEASURES] + [True])
    weights = np.array([_BY_HAND.get(name, 0.0) for name in MEASURES] + [0.0])
    firm = np.append(np.full(len(MEASURES), _FIRMNESS), 0.0)[free]
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ weights))
        slope = design[:, free].T @ (labels - chance) - firm * weights[free]
        curve = (design[:, free] * (chance * (1 - chance))[:, None]).T @ design[:, free] + np.diag(firm)
        weights[free] += np.linalg.solve(curve, slope)
    return weights


def held_out(rows: Array, labels: Array, groups: list[str]) -> tuple[float, float]:
    """Precision and recall at the flag's threshold over works that the weights had not seen."""
    order = {group: place for place, group in enumerate(dict.fromkeys(sorted(groups)))}
    fold = np.array([order[group] * 7919 % 104_729 % _FOLDS for group in groups])
    flagged = np.zeros(len(labels), bool)
    for number in range(_FOLDS):
        weights = fit(rows[fold != number], labels[fold != number])
        flagged[fold == number] = _flagged(rows[fold == number], weights)
    return score(flagged, labels)


def score(flagged: NDArray[np.bool_], labels: Array) -> tuple[float, float]:
    """Precision and recall."""
    right = float((flagged & (labels == 1)).sum())
    return right / max(float(flagged.sum()), 1.0), right / float(labels.sum())


def _flagged(rows: Array, weights: Array) -> NDArray[np.bool_]:
    chance = 1 / (1 + np.exp(-(rows @ weights[:-1] + weights[-1])))
    found: NDArray[np.bool_] = chance >= FLAG
    return found


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _embedded(records: list[Record]) -> NDArray[np.float32]:
    return vectors().embed([f"{record.title}. {record.text[:2000]}" for record in records])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SHARED)
    data = parser.parse_args().data
    rows, labels, groups = measured([*labelled(data), *picked(data)])
    precision, recall = held_out(rows, labels, groups)
    shipped = score(_flagged(rows, np.array([*WEIGHTS, BIAS])), labels)
    print(f"{len(rows)} pairs, {int(labels.sum())} of them one work, {len(set(groups))} groups")
    print(f"held out whole, {_FOLDS} folds: precision {precision:.3f}, recall {recall:.3f}")
    print(f"the shipped weights on the same pairs: precision {shipped[0]:.3f}, recall {shipped[1]:.3f}")
    *weights, bias = (round(float(weight), 2) for weight in fit(rows, labels))
    print(dict(zip(MEASURES, weights, strict=True)), "bias", bias)


if __name__ == "__main__":
    main()
