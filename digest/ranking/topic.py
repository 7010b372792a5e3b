"""Topic match: how near a candidate is to the editor's stated interests. It is no measure of importance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from digest.embeddings import load_embeddings
from digest.ranking.preference import load_feature_statistics, select_title_vectors
from digest.ranking.tokens import SLOT_COUNT

if TYPE_CHECKING:
    from digest.embeddings import Matrix
    from digest.ranking.logistic import DesignMatrix
    from digest.sparse import SparseMatrix

_COSINE_SPREAD = 0.14  # of the centred cosine between a phrase and a paper of the arXiv listings
LARGE_POOL = 1000  # rows that are a large pool
# Chosen on 36 lines of interests and the picks of four months up to 2025-08 (mean AUC 0.758; 0.683 without, 0.72 with
# vectors alone): the share of a large pool that stands in for the subjects, and how much it outweighs them.
_FEEDBACK_SHARE, _VECTOR_FEEDBACK, _TOKEN_FEEDBACK = 0.1, 0.9, 0.6
_RATING_STEPS = (0.0, 0.7, 1.4, 2.1)  # of the match in spreads: below the first it is 1 of 5, above the last 5 of 5


def split_interests(interests: str) -> list[str]:
    """Split a line of interests into subjects: `agents, retrieval and safety` are three."""
    parts = re.split(r"[,;.\n•|]+|\band\b|\bor\b", interests)
    return [part.strip() for part in parts if re.search(r"\w", part)]


def compute_topic_match(subjects: Sequence[str], embeddings: Matrix, papers: DesignMatrix | None = None) -> Matrix:
    """Return how near each row is to the subjects, in spreads above the mean paper: 2 is very near.

    All zeros without subjects. In a large pool, which needs `papers`, the rows nearest to the subjects replace them for
    the most part (pseudo-relevance feedback): papers use more words for a thing than a line of interests does.
    """
    import numpy as np

    if not subjects:
        return np.zeros(len(embeddings), dtype=np.float32)
    usual = load_feature_statistics().vector_mean
    rows = _centre_rows(embeddings, usual)
    asked = _centre_rows(load_embeddings().embed([", ".join(subjects), *subjects]), usual)
    match: Matrix = _subject_similarity(rows, asked) / _COSINE_SPREAD
    if papers is None or len(match) < LARGE_POOL:
        return match
    wide = _standardise(
        _standardise(match) + _standardise(_subject_similarity(_normalise_rows(select_title_vectors(papers)), asked))
    )
    wide = _apply_feedback(wide, rows @ (_feedback_weights(wide) @ rows), _VECTOR_FEEDBACK)
    wide = _apply_feedback(wide, _token_similarity(papers.sparse, _feedback_weights(wide)), _TOKEN_FEEDBACK)
    match = (_standardise(wide) * match.std() + match.mean()).astype(np.float32)
    return match  # noqa: RET504  mypy takes the type from the argument


def _subject_similarity(rows: Matrix, subject_vectors: Matrix) -> Matrix:
    """Weigh the similarity to all subjects together by half, to the nearest and to their mean by a quarter each."""
    near = rows @ subject_vectors[1:].T
    like: Matrix = rows @ subject_vectors[0] / 2 + (near.max(axis=1) + near.mean(axis=1)) / 4
    return like


def _feedback_weights(match: Matrix) -> Matrix:
    """Return weights of the nearest rows, 1 in all, by how far each is above the last of them.

    So a subject of which a pool holds little is not outweighed by the rows that merely come next.
    """
    import numpy as np

    least = np.partition(match, -round(len(match) * _FEEDBACK_SHARE))[-round(len(match) * _FEEDBACK_SHARE)]
    above = np.maximum(match - least, 0)
    weights: Matrix = (above / max(float(above.sum()), 1e-9)).astype(np.float32)
    return weights


def _apply_feedback(match: Matrix, feedback: Matrix, share: float) -> Matrix:
    """Mix the match with what its nearest rows have in common, as a second subject (Rocchio)."""
    mixed: Matrix = (1 - share) * _standardise(match) + share * _standardise(feedback)
    return mixed


def _token_similarity(tokens: SparseMatrix, feedback_weights: Matrix) -> Matrix:
    """Return how much each row uses the tokens that are more frequent in the feedback rows than in others."""
    import numpy as np

    excess = feedback_weights.astype(np.float64) - 1 / len(feedback_weights)
    distinctive = np.maximum(tokens.multiply_transposed(excess, SLOT_COUNT), 0).astype(np.float32)
    return tokens.multiply_vector(distinctive).astype(np.float32)


def _standardise(match: Matrix) -> Matrix:
    even: Matrix = (match - match.mean()) / max(float(match.std()), 1e-9)
    return even


def rate_out_of_five(match: float) -> int:
    """Return the match as readers see it, 1 to 5."""
    return 1 + sum(match > step for step in _RATING_STEPS)


def _centre_rows(rows: Matrix, mean: Matrix) -> Matrix:
    away = rows - mean
    away[~rows.any(axis=1)] = 0  # a text without known words is near nothing
    return _normalise_rows(away)


def _normalise_rows(rows: Matrix) -> Matrix:
    import numpy as np

    unit: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return unit
