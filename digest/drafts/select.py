"""Select the candidates a draft proposes, category by category, within the taxonomy's quotas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ALTERNATES_PER_PLACE = 2  # on the shortlist, for each place a category has in the issue


@dataclass(frozen=True, slots=True)
class SelectionCandidate:
    """A candidate in the order of the ranking; `category` is a slug or "other"."""

    key: str
    category: str
    covered_in: str = ""  # the period that covered it before
    is_rejected: bool = False
    is_chosen: bool = False  # by the editor, whatever the quota of its category


@dataclass(frozen=True, slots=True)
class Selection:
    """Keys per section in the order of the taxonomy, and the shortlist in the order of the ranking."""

    sections: dict[str, list[str]]
    shortlist: list[str]


def select_candidates(
    ranked: Sequence[SelectionCandidate], quotas: Mapping[str, int], *, shortlist_length: int = 50
) -> Selection:
    """Fill each category's quota from `ranked`, best first; `quotas` is in the order of the sections.

    Items covered before are never proposed but may be on the shortlist; rejected ones are on neither. The shortlist
    holds, for each category, ALTERNATES_PER_PLACE times its quota, and then the best of the rest.
    """
    sections: dict[str, list[str]] = {slug: [] for slug in quotas}
    rest = []
    for candidate in (candidate for candidate in ranked if not candidate.is_rejected):
        picked = sections.get(candidate.category)
        has_room = picked is not None and not candidate.covered_in and len(picked) < quotas[candidate.category]
        if picked is not None and (has_room or candidate.is_chosen):
            picked.append(candidate.key)
        else:
            rest.append(candidate)
    return Selection(sections, _select_shortlist(rest, quotas, shortlist_length))


def _select_shortlist(rest: Sequence[SelectionCandidate], quotas: Mapping[str, int], length: int) -> list[str]:
    """Return the keys to offer, in ranking order: the alternates of each category, then the best of the others."""
    new_counts: Counter[str] = Counter()
    alternates: list[int] = []
    others: list[int] = []
    for position, candidate in enumerate(rest):
        new_counts[candidate.category] += not candidate.covered_in
        limit = ALTERNATES_PER_PLACE * quotas.get(candidate.category, 0)
        is_alternate = not candidate.covered_in and new_counts[candidate.category] <= limit
        (alternates if is_alternate else others).append(position)
    return [rest[position].key for position in sorted((alternates + others)[:length])]
