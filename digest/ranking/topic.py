"""Topic match: how near a candidate is to what the editor said to care about; never called importance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from digest.ranking.taste import background, titles
from digest.vectors import vectors

if TYPE_CHECKING:
    from digest.ranking.logistic import Design
    from digest.ranking.values import Matrix
    from digest.ranking.words import Sparse

_SPREAD = 0.14  # of the centred cosine between a phrase and a paper of the arXiv listings
MANY = 1000  # rows that are a large pool
# Chosen on 36 lines of interests and the picks of four months up to 2025-08 (mean AUC 0.758; 0.683 without, 0.72 with
# vectors alone): the share of a large pool that stands in for the subjects, and how much it outweighs them.
_NEAREST, _BY_VECTORS, _BY_WORDS = 0.1, 0.9, 0.6
_STEPS = (0.0, 0.7, 1.4, 2.1)  # of the match in spreads: below the first it is 1 of 5, above the last 5 of 5


def phrases(interests: str) -> list[str]:
    """The separate things a line of interests names: `agents, retrieval and safety` are three."""
    parts = re.split(r"[,;.\n•|]+|\band\b|\bor\b", interests)
    return [part.strip() for part in parts if re.search(r"\w", part)]


def matches(subjects: Sequence[str], embedded: Matrix, papers: Design | None = None) -> Matrix:
    """How near each row is to the subjects together and to the nearest alone, in spreads above the usual paper.

    0 is usual, 2 is very near; all zeros without subjects. In a large pool, whose `papers` must be given then, the rows
    nearest to the subjects stand in for the most part: papers use more words for a thing than a line of interests does.
    """
    import numpy as np

    if not subjects:
        return np.zeros(len(embedded), dtype=np.float32)
    usual = background().vector_mean
    rows = _centred(embedded, usual)
    asked = _centred(vectors().embed([", ".join(subjects), *subjects]), usual)
    match: Matrix = _likeness(rows, asked) / _SPREAD
    if papers is None or len(match) < MANY:
        return match
    wide = _even(_even(match) + _even(_likeness(_unit(titles(papers)), asked)))
    wide = _shifted(wide, rows @ (_standing_in(wide) @ rows), _BY_VECTORS)
    wide = _shifted(wide, _in_words(papers.sparse, _standing_in(wide)), _BY_WORDS)
    told: Matrix = (_even(wide) * match.std() + match.mean()).astype(np.float32)
    return told


def _likeness(rows: Matrix, asked: Matrix) -> Matrix:
    """Half to the first, which names all subjects together, half to the others: to the nearest and to all alike."""
    near = rows @ asked[1:].T
    like: Matrix = rows @ asked[0] / 2 + (near.max(axis=1) + near.mean(axis=1)) / 4
    return like


def _standing_in(match: Matrix) -> Matrix:
    """The weights, 1 in all, of the nearest rows: by how far each is above the last of them, so that a subject of which
    a pool holds little is not drowned by what merely comes next."""
    import numpy as np

    least = np.partition(match, -round(len(match) * _NEAREST))[-round(len(match) * _NEAREST)]
    above = np.maximum(match - least, 0)
    weights: Matrix = (above / max(float(above.sum()), 1e-9)).astype(np.float32)
    return weights


def _shifted(match: Matrix, again: Matrix, share: float) -> Matrix:
    """The match with what its nearest rows have in common as a second subject (Rocchio)."""
    mixed: Matrix = (1 - share) * _even(match) + share * _even(again)
    return mixed


def _in_words(words: Sparse, standing_in: Matrix) -> Matrix:
    """How much each row says of what the rows that stand in say more than others do."""
    import numpy as np

    telling = np.maximum(words.back(standing_in.astype(np.float64) - 1 / len(standing_in)), 0).astype(np.float32)
    return words.times(telling).astype(np.float32)


def _even(match: Matrix) -> Matrix:
    even: Matrix = (match - match.mean()) / max(float(match.std()), 1e-9)
    return even


def out_of_five(match: float) -> int:
    """The match as readers see it, 1 to 5."""
    return 1 + sum(match > step for step in _STEPS)


def _centred(rows: Matrix, usual: Matrix) -> Matrix:
    away = rows - usual
    away[~rows.any(axis=1)] = 0  # a text without known words is near nothing
    return _unit(away)


def _unit(rows: Matrix) -> Matrix:
    import numpy as np

    unit: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit
