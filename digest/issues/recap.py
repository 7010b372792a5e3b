"""A year, a quarter or any range, built from its picks themselves: sections, highlights, figures, what was missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from digest.issues.apart import titles_of_months
from digest.issues.past import PastPick, grouped, once, weight, written
from digest.issues.terms import Term, distinctive
from digest.issues.values import Sheet, SheetCandidate, SheetNote, SheetPick, SheetSection

Form = Literal["category", "month", "both"]
WORDS = {
    "recap_in": "in {month}",
    "recap_ranked": "From the ranking of {month}, which was never published",
    "recap_superseded": "Superseded by {work}",
    "withdrawn": "Withdrawn on {date}",
    "highlight_named": "Named by {count} sources.",
    "highlight_written": "The editor wrote on it in {month}.",
    "highlight_ranked": "Among the highest ranked of {month}.",
    "closing_one": "One work.",
    "closing_all": "{count} works.",
    "closing_most": "{count} works, {most} of them in {category}.",
    "closing_spread": "{count} works in {sections} categories.",
}


@dataclass(frozen=True, slots=True)
class Gist:
    """A model's sentence on a month: a line of Markdown that links the picks it rests on."""

    text: str
    engine: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Read and kept of one month."""

    read: int
    kept: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The period in figures. Sources, categories and most mentioned are in falling order."""

    read: int
    kept: int
    months: dict[str, Counted]
    categories: dict[str, int]
    sources: dict[str, int]
    most_mentioned: list[tuple[str, int]] = field(default_factory=list)  # keys
    first: str = ""
    last: str = ""
    rose: list[Term] = field(default_factory=list)
    fell: list[Term] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)  # months that come from the ranking alone


def highlights(
    picks: Sequence[PastPick],
    names: Mapping[str, str] | None = None,
    most: int = 5,
    least: int = 3,
    words: Mapping[str, str] = WORDS,
) -> dict[str, str]:
    """Up to `most` proposals by key with the reason: what the editor marked and wrote, how many others named it.

    Of a category there are two at most, unless there would be fewer than `least`. Where too little sets works apart,
    the highest ranked stand in for it, one a category. `names` are the months' in the reader's language.
    """
    whole = [past for past in once(picks) if not past.withdrawn and not past.superseded and not past.pick.note]
    marked = sorted((past for past in whole if weight(past)[0] > 0), key=weight, reverse=True)
    ranked = sorted((past for past in whole if past.score is not None), key=_standing, reverse=True)
    chosen = _spread(marked, most, 2) if marked else _spread(ranked, most, 1)
    for others in (marked, _spread(ranked, most, 1), ranked):
        chosen += [past for past in others if past not in chosen][: max(0, least - len(chosen))]
    return {past.pick.key: _why(past, (names or {}).get(past.month, past.month), words) for past in chosen}


def _spread(picks: Iterable[PastPick], most: int, per_category: int) -> list[PastPick]:
    """The first `most` picks, with no more than `per_category` of any category."""
    taken: Counter[str] = Counter()
    out: list[PastPick] = []
    for past in picks:
        if taken[past.category] < per_category and len(out) < most:
            taken[past.category] += 1
            out.append(past)
    return out


def _standing(past: PastPick) -> tuple[float, str]:
    return past.score or 0.0, past.pick.key


def _why(past: PastPick, month: str, words: Mapping[str, str]) -> str:
    if past.pick.highlight:
        return past.pick.highlight
    name = "named" if past.mentions > 1 else "written" if written(past) else "ranked"
    return words[f"highlight_{name}"].format(month=month, count=past.mentions)


def figures(picks: Sequence[PastPick], read: Mapping[str, int], most: int = 10) -> Figures:
    """Count the period; `read` is how many works each month saw, also for months without picks."""
    whole = once(picks)
    kept = Counter(past.month for past in whole)
    dated = sorted((past for past in whole if past.published), key=lambda past: (past.published, past.pick.key))
    named = sorted((past for past in whole if past.mentions > 1), key=lambda past: (-past.mentions, past.pick.key))
    months = sorted({*read, *kept})
    half = months[len(months) // 2] if months else ""
    early = [past.text or past.pick.title for past in whole if past.month < half]
    late = [past.text or past.pick.title for past in whole if past.month >= half]
    moved = distinctive({"fell": early, "rose": late}, 5, 3) if early and late else {}
    return Figures(
        read=sum(read.values()),
        kept=len(whole),
        months={month: Counted(read.get(month, 0), kept[month]) for month in months},
        categories=_falling(past.category for past in whole),
        sources=_falling(past.source for past in whole if past.source),
        most_mentioned=[(past.pick.key, past.mentions) for past in named[:most]],
        first=dated[0].pick.key if dated else "",
        last=dated[-1].pick.key if dated else "",
        rose=moved.get("rose", []),
        fell=moved.get("fell", []),
        unpublished=sorted({past.month for past in whole if past.ranked}),
    )


def _falling(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0])))


def missed(mentions: Mapping[str, int], picked: Iterable[str], most: int = 10, least: int = 2) -> list[str]:
    """Keys of the works that others named most and that no issue of the period has."""
    known = set(picked)
    named = [(count, key) for key, count in mentions.items() if key not in known and count >= least]
    return [key for _, key in sorted(named, key=lambda pair: (-pair[0], pair[1]))[:most]]


def recap_sheet(
    period: str,
    title: str,
    when: datetime,
    picks: Sequence[PastPick],
    categories: Mapping[str, str],
    months: Mapping[str, str],
    *,
    form: Form = "category",
    notes: Sequence[SheetNote] = (),
    missed: Sequence[SheetCandidate] = (),
    gists: Mapping[str, Gist] | None = None,
    words: Mapping[str, str] = WORDS,
) -> Sheet:
    """A recap as a sheet to be edited: every pick of the period once, by date within its section.

    `categories` (slug to title) and `months` (`2025-03` to `March 2025`) are in the reader's order. With form
    "month" the sections are the months, with "both" the categories hold the picks and the months their titles;
    `gists` (by month) stand under those that have one. `words` are those of `WORDS` in the reader's language.
    """
    whole = sorted(once(picks), key=lambda past: (past.published or date.max, past.month, past.pick.key))
    proposed = highlights(whole, months, words=words)
    sections = []
    if form != "month":
        by_category = grouped(categories, ((past.category, past) for past in whole))
        sections += [
            SheetSection(slug, categories.get(slug, slug), entries=_entries(group, proposed, months, words))
            for slug, group in by_category.items()
        ]
    if form != "category":
        headings = titles_of_months(whole, months)
        for month, group in grouped(months, ((past.month, past) for past in whole)).items():
            entries = _entries(group, proposed, months, words) if form == "month" else ()
            closing, gist = _closing(group, categories, words), (gists or {}).get(month, Gist("", ""))
            sections.append(
                SheetSection(f"m{month}", headings.get(month, month), gist.text, closing, entries, gist.engine)
            )
    return Sheet(period, title, when, form, sections=tuple(sections), notes=tuple(notes), missed=tuple(missed))


def _entries(
    group: Sequence[PastPick], proposed: Mapping[str, str], months: Mapping[str, str], words: Mapping[str, str]
) -> tuple[SheetPick, ...]:
    return tuple(
        replace(past.pick, highlight=proposed.get(past.pick.key), covered="", facts=_facts(past, months, words))
        for past in group
    )


def _facts(past: PastPick, months: Mapping[str, str], words: Mapping[str, str]) -> str:
    """The pick's facts with what a reader of the recap must know of it."""
    month = months.get(past.month, past.month)
    marks = [
        words["recap_ranked" if past.ranked else "recap_in"].format(month=month),
        words["withdrawn"].format(date=past.withdrawn) if past.withdrawn else "",
        words["recap_superseded"].format(work=past.superseded) if past.superseded else "",
    ]
    return " · ".join(part for part in (past.pick.facts, *marks) if part)


def _closing(group: Sequence[PastPick], categories: Mapping[str, str], words: Mapping[str, str]) -> str:
    """How many works, and the category that has more of them than any other and a third at least."""
    (slug, most), *others = Counter(past.category for past in group).most_common()
    leads = most * 3 >= len(group) and most > max((count for _, count in others), default=0)
    form = "one" if len(group) == 1 else "all" if not others else "most" if leads else "spread"
    category = categories.get(slug, slug)
    return words[f"closing_{form}"].format(count=len(group), most=most, category=category, sections=len(others) + 1)
