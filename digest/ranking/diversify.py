"""Select candidates by score and category without several near-duplicates of one theme."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digest.embeddings import Matrix

NEAR_SIMILARITY = 0.8  # cosine of the vectors of two papers on one theme; 0.9 is nearly the same abstract
MAX_PER_THEME = 2  # candidates of one theme, while there are others
_SIMILARITY_COST = 6.0  # log-odds that a full similarity to a chosen candidate costs


def diversify_candidates(
    scores: Sequence[float],
    categories: Sequence[str],
    embeddings: Matrix,
    count: int,
    quotas: Mapping[str, int] | None = None,
) -> list[int]:
    """Return the rows of the `count` candidates to offer, in the order they were chosen.

    Maximal marginal relevance: each next one has the best score less its similarity to those chosen, and at most
    MAX_PER_THEME are near one another. `quotas` are the least number of a category as far as there are candidates; the
    best of the rest fill up. Near-duplicates fill up last, so the list is never shorter than it can be.
    """
    import numpy as np

    chosen: list[int] = []
    total = len(scores)
    similarity, near_count = np.zeros(total), np.zeros(total, dtype=int)
    score_column = np.array(scores, dtype=np.float64)
    category_column = np.array(categories, dtype=object)
    owed = Counter(dict(quotas or {}))
    left = np.ones(total, dtype=bool)
    while len(chosen) < min(count, total):
        short = [slug for slug, n in owed.items() if n > 0 and bool((left & (category_column == slug)).any())]
        is_due = short and count - len(chosen) <= sum(owed[slug] for slug in short)
        pool = left & np.isin(category_column, short) if is_due else left
        distinct = pool & (near_count < MAX_PER_THEME)
        penalised = score_column - _SIMILARITY_COST * np.maximum(similarity - NEAR_SIMILARITY / 2, 0)
        best = int(np.argmax(np.where(distinct if distinct.any() else pool, penalised, -np.inf)))
        chosen.append(best)
        left[best] = False
        owed[categories[best]] -= 1
        near = embeddings @ embeddings[best]
        similarity, near_count = np.maximum(similarity, near), near_count + (near >= NEAR_SIMILARITY)
    return chosen
