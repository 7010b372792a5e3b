"""The shortlist: the best candidates by category, without several near-copies of one theme."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from digest.ranking.types import RankedCandidate

if TYPE_CHECKING:
    from digest.embeddings import Matrix

NEAR_SIMILARITY = 0.8  # cosine of the vectors of two papers on one theme; 0.9 is nearly the same abstract
MAX_PER_THEME = 2  # so many of one theme at most, while there are others
_SIMILARITY_COST = 6.0  # log-odds that a full likeness to what is already on the list costs


def diversify_candidates(
    ranked: Sequence[RankedCandidate], n: int, embeddings: Matrix, quotas: Mapping[str, int] | None = None
) -> list[RankedCandidate]:
    """The `n` to offer, in the order they were chosen; rows of `embedded` belong to `ranked`.

    Marginal relevance: each next one has the best score less its likeness to those chosen, and at most PER_THEME are
    near one another. `quotas` are the least number offered of a category as far as there are candidates; the best of
    the rest fill up. When only near-copies are left, they fill up too, so the list is never shorter than it can be.
    """
    import numpy as np

    chosen: list[int] = []
    likeness, crowd = np.zeros(len(ranked)), np.zeros(len(ranked), dtype=int)
    scores = np.array([one.score for one in ranked], dtype=np.float64)
    owed = Counter(dict(quotas or {}))
    left = np.ones(len(ranked), dtype=bool)
    categories = np.array([one.candidate.category for one in ranked], dtype=object)
    while len(chosen) < min(n, len(ranked)):
        wanted = [slug for slug, count in owed.items() if count > 0 and bool((left & (categories == slug)).any())]
        pool = left & np.isin(categories, wanted) if wanted and n - len(chosen) <= _count_owed(owed, wanted) else left
        fresh = pool & (crowd < MAX_PER_THEME)
        open_ = fresh if fresh.any() else pool
        best = int(
            np.argmax(
                np.where(open_, scores - _SIMILARITY_COST * np.maximum(likeness - NEAR_SIMILARITY / 2, 0), -np.inf)
            )
        )
        chosen.append(best)
        left[best] = False
        owed[ranked[best].candidate.category] -= 1
        near = embeddings @ embeddings[best]
        likeness, crowd = np.maximum(likeness, near), crowd + (near >= NEAR_SIMILARITY)
    return [ranked[i] for i in chosen]


def _count_owed(owed: Mapping[str, int], wanted: Sequence[str]) -> int:
    """How many places the categories that are short still have a right to."""
    return sum(owed[slug] for slug in wanted)
