"""What set a month apart: the line of terms and works that a recap proposes as its title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from digest.issues.past import PastPick, grouped, once, weight
from digest.issues.terms import Term, distinctive
from digest.text import one_line

_NAME = 45  # characters of a work's name that a heading has room for


def titles_of_months(picks: Sequence[PastPick], names: Mapping[str, str], most: int = 2) -> dict[str, str]:
    """`March 2025: tool use, GRPO, DeepSeek-R1` for every month of `names`, from what set its picks apart.

    That is up to `most` terms, and the one work that stands above all others of its month. A month without either is
    named by the first of its works.
    """
    months = grouped(names, ((past.month, past) for past in once(picks)))
    found = distinctive({month: [past.text or past.pick.title for past in group] for month, group in months.items()})
    terms = _to_one(found)
    apart = {month: _apart(terms[month], _outstanding(group), most) for month, group in months.items()}
    apart |= {month: _outstanding(months[month], alone=False) for month in months if not apart[month]}
    return {month: f"{name}: {', '.join(apart[month])}" if apart.get(month) else name for month, name in names.items()}


def _to_one(found: Mapping[str, Sequence[Term]]) -> dict[str, list[str]]:
    """Each term for the month that it sets apart most: what stands over two months is no mark of either."""
    best: dict[str, float] = {}
    for term in (term for terms in found.values() for term in terms):
        best[term.key] = max(term.z, best.get(term.key, 0.0))
    return {month: [term.text for term in terms if term.z == best[term.key]] for month, terms in found.items()}


def _apart(terms: Sequence[str], works: Sequence[str], most: int) -> list[str]:
    """Terms, but for those that a named work says already, and the work."""
    said = " ".join(works).casefold()
    return [*[term for term in terms if term.casefold() not in said][:most], *works]


def _outstanding(group: Sequence[PastPick], alone: bool = True) -> list[str]:
    """The name of the work that is marked, mentioned or ranked above all others, where it is short enough to be one.

    Unless it must stand `alone` above the others, it is the first whose name is.
    """
    standing = [past for past in group if not past.withdrawn and not past.superseded]
    best = sorted(standing, key=_place, reverse=True)
    if alone and (not best or max(_place(best[0])) <= 0 or _place(best[0]) in map(_place, best[1:2])):
        return []
    names = [short_name(past.pick.title) for past in (best[:1] if alone else best)]
    return [name for name in names if len(name) <= _NAME][:1]


def _place(past: PastPick) -> tuple[float, float]:
    return weight(past)[0], past.score or 0.0


def short_name(title: str) -> str:
    """A work's title as one speaks of it: what stands before its colon."""
    return one_line(title).partition(": ")[0]
