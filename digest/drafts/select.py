"""Which candidates a draft proposes: by rank, category by category, within the taxonomy's quotas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

ALTERNATES_PER_PLACE = 2  # on the shortlist, for each place a category has in the issue


@dataclass(frozen=True, slots=True)
class SelectionCandidate:
    """A candidate as the rankers and taggers left it; `category` is a slug or "other"."""

    key: str
    category: str
    score: float
    confidence: float = 1.0
    secondary: str | None = None
    covered_in: str = ""  # the period it was covered in before
    is_rejected: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Keys per section in the order of the taxonomy, and the shortlist in rank order."""

    sections: dict[str, list[str]]
    shortlist: list[str]


def select_candidates(
    ranked: Sequence[SelectionCandidate],
    quotas: Mapping[str, int],
    *,
    total: int | None = None,
    shortlist: int = 50,
    required_keys: Collection[str] = (),
) -> Selection:
    """Fill each category's quota from `ranked`, best first; of `total` places the best go first.

    `quotas` is in the order of the sections. A work that was covered before or turned down is never proposed, but
    may stand on the shortlist (turned-down ones do not). Keys in `kept` are the editor's and are always picked.
    The shortlist holds the best of the rest, and of each category ALTERNATIVES times its quota, so that no section
    is without a choice because another outranks it.
    """
    places = dict.fromkeys(quotas, 0)
    sections: dict[str, list[str]] = {slug: [] for slug in quotas}
    rest: list[SelectionCandidate] = []
    limit = len(ranked) if total is None else total
    for candidate in ranked:
        if _is_selected(candidate, quotas, places, limit, required_keys):
            slug = candidate.category if candidate.category in quotas else next(iter(quotas))
            sections[slug].append(candidate.key)
            places[slug] += 1
        elif not candidate.is_rejected:
            rest.append(candidate)
    return Selection(sections, _select_shortlist(rest, quotas, shortlist))


def _select_shortlist(rest: Sequence[SelectionCandidate], quotas: Mapping[str, int], length: int) -> list[str]:
    """The keys of `rest` to offer, in its order: what the categories have a right to, then the best of the others."""
    seen: Counter[str] = Counter()
    due: list[int] = []
    others: list[int] = []
    for place, candidate in enumerate(rest):
        seen[candidate.category] += not candidate.covered_in
        within = not candidate.covered_in and seen[candidate.category] <= ALTERNATES_PER_PLACE * quotas.get(
            candidate.category, 0
        )
        (due if within else others).append(place)
    return [rest[place].key for place in sorted((due + others)[:length])]


def _is_selected(
    candidate: SelectionCandidate,
    quotas: Mapping[str, int],
    places: Mapping[str, int],
    limit: int,
    required_keys: Collection[str],
) -> bool:
    if candidate.key in required_keys:
        return True
    if candidate.is_rejected or candidate.covered_in or candidate.category not in quotas:
        return False
    return places[candidate.category] < quotas[candidate.category] and sum(places.values()) < limit
