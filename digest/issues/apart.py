"""What set a month apart: the line of terms and works that a recap proposes as its title."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from digest.issues.past import PastPick, compute_pick_weight, deduplicate_picks, group_picks
from digest.issues.terms import Keyword, find_distinctive_keywords
from digest.text import normalise_line

_MAX_NAME_CHARACTERS = 45  # characters of a work's name that a heading has room for


def propose_month_titles(
    picks: Sequence[PastPick], month_names: Mapping[str, str], max_keywords: int = 2
) -> dict[str, str]:
    """`March 2025: tool use, GRPO, DeepSeek-R1` for every month of `names`, from what set its picks apart.

    That is up to `most` terms, and the one work that stands above all others of its month. A month without either is
    named by the first of its works.
    """
    months = group_picks(month_names, ((past.month, past) for past in deduplicate_picks(picks)))
    found = find_distinctive_keywords(
        {month: [past.text or past.pick.title for past in group] for month, group in months.items()}
    )
    terms = _assign_keywords_to_months(found)
    apart = {
        month: _build_title_parts(terms[month], _find_outstanding_work(group), max_keywords)
        for month, group in months.items()
    }
    apart |= {
        month: _find_outstanding_work(months[month], needs_clear_lead=False) for month in months if not apart[month]
    }
    return {
        month: f"{name}: {', '.join(apart[month])}" if apart.get(month) else name for month, name in month_names.items()
    }


def _assign_keywords_to_months(keywords_by_month: Mapping[str, Sequence[Keyword]]) -> dict[str, list[str]]:
    """Each term for the month that it sets apart most: what stands over two months is no mark of either."""
    best: dict[str, float] = {}
    for term in (term for terms in keywords_by_month.values() for term in terms):
        best[term.key] = max(term.z, best.get(term.key, 0.0))
    return {
        month: [term.text for term in terms if term.z == best[term.key]] for month, terms in keywords_by_month.items()
    }


def _build_title_parts(terms: Sequence[str], works: Sequence[str], max_keywords: int) -> list[str]:
    """Terms, but for those that a named work says already, and the work."""
    said = " ".join(works).casefold()
    return [*[term for term in terms if term.casefold() not in said][:max_keywords], *works]


def _find_outstanding_work(group: Sequence[PastPick], needs_clear_lead: bool = True) -> list[str]:
    """The name of the work that is marked, mentioned or ranked above all others, where it is short enough to be one.

    Unless it must stand `alone` above the others, it is the first whose name is.
    """
    standing = [past for past in group if not past.withdrawn and not past.superseded_by]
    best = sorted(standing, key=_compute_prominence, reverse=True)
    if needs_clear_lead and (
        not best
        or max(_compute_prominence(best[0])) <= 0
        or _compute_prominence(best[0]) in map(_compute_prominence, best[1:2])
    ):
        return []
    names = [shorten_work_title(past.pick.title) for past in (best[:1] if needs_clear_lead else best)]
    return [name for name in names if len(name) <= _MAX_NAME_CHARACTERS][:1]


def _compute_prominence(pick: PastPick) -> tuple[float, float]:
    return compute_pick_weight(pick)[0], pick.score or 0.0


def shorten_work_title(title: str) -> str:
    """A work's title as one speaks of it: what stands before its colon."""
    return normalise_line(title).partition(": ")[0]
