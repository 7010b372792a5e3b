"""Order of a ranking: kinds share its places, and no category takes too many of the first.

Papers compete with papers, posts with posts: a score says nothing across kinds. The order of all candidates deals the
places of the list to the kinds by fixed shares, best of each kind first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from digest.ranking.types import RankerInput

# Shares of the places, among the kinds that a period has; a kind with few items leaves its share to the others.
KIND_SHARES = {"paper": 0.55, "post": 0.2, "release": 0.1, "talk": 0.06, "news": 0.05, "code": 0.04}
HEAD = 60  # first places, in which no category has more than a third
MAX_CATEGORY_SHARE = 1 / 3


def order_by_kind(candidates: Sequence[RankerInput], scores: Sequence[float]) -> list[int]:
    """Return the rows of candidates in the order to offer them.

    What a person added comes first, what was covered before comes last. In between the kinds take places by their
    shares, each best first, and no category takes more than a third of the first places while there are others.
    """
    by_kind: defaultdict[str, list[int]] = defaultdict(list)
    for row in sorted(range(len(candidates)), key=lambda row: (-scores[row], candidates[row].key)):
        by_kind[candidates[row].kind].append(row)
    turns: list[tuple[int, float, float, str, int]] = []
    for kind, rows in by_kind.items():
        share = KIND_SHARES.get(kind, 0.05)
        for number, row in enumerate(rows):
            candidate = candidates[row]
            group = 0 if candidate.added_on else 2 if candidate.covered_in else 1
            turns.append((group, (number + 0.5) / share, -scores[row], candidate.key, row))
    return _limit_categories(candidates, [row for *_, row in sorted(turns)])


def _limit_categories(candidates: Sequence[RankerInput], order: Sequence[int]) -> list[int]:
    """Move candidates of a category that has its share of the first places behind those places."""
    head: list[int] = []
    later: list[int] = []
    counts: Counter[str] = Counter()
    limit = int(HEAD * MAX_CATEGORY_SHARE)
    for position, row in enumerate(order):
        if len(head) == HEAD:
            return [*head, *sorted([*later, *order[position:]], key={r: n for n, r in enumerate(order)}.__getitem__)]
        category = candidates[row].category
        if counts[category] < limit or candidates[row].added_on:
            head.append(row)
            counts[category] += 1
        else:
            later.append(row)
    return [*head, *later]
