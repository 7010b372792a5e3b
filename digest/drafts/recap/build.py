"""A year, a quarter or any range, built from its picks themselves: sections, highlights, figures, what was missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from digest.drafts.model import Draft, DraftCandidate, DraftPick, DraftPrediction, DraftSection
from digest.drafts.recap.keywords import Keyword, find_distinctive_keywords, propose_month_titles
from digest.drafts.recap.picks import PastPick, compute_pick_weight, deduplicate_picks, group_picks, has_editor_text

RecapForm = Literal["category", "month", "both"]
RECAP_TRANSLATIONS = {
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
class MonthSummary:
    """A model's sentence on a month: a line of Markdown that links the picks it rests on."""

    text: str
    engine: str


@dataclass(frozen=True, slots=True)
class MonthFigures:
    """Read and kept of one month."""

    read: int
    kept: int


@dataclass(frozen=True, slots=True)
class RecapFigures:
    """The period in figures. Sources, categories and most mentioned are in falling order."""

    read: int
    kept: int
    months: dict[str, MonthFigures]
    categories: dict[str, int]
    sources: dict[str, int]
    most_mentioned: list[tuple[str, int]] = field(default_factory=list)  # keys
    first: str = ""
    last: str = ""
    rose: list[Keyword] = field(default_factory=list)
    fell: list[Keyword] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)  # months that come from the ranking alone


def propose_highlights(
    picks: Sequence[PastPick],
    month_names: Mapping[str, str] | None = None,
    max_count: int = 5,
    min_count: int = 3,
    translations: Mapping[str, str] = RECAP_TRANSLATIONS,
) -> dict[str, str]:
    """Up to `most` proposals by key with the reason: what the editor marked and wrote, how many others named it.

    Of a category there are two at most, unless there would be fewer than `least`. Where too little sets works apart,
    the highest ranked stand in for it, one a category. `names` are the months' in the reader's language.
    """
    whole = [
        past
        for past in deduplicate_picks(picks)
        if not past.withdrawn and not past.superseded_by and not past.pick.note
    ]
    marked = sorted((past for past in whole if compute_pick_weight(past)[0] > 0), key=compute_pick_weight, reverse=True)
    ranked = sorted((past for past in whole if past.score is not None), key=_get_ranking_key, reverse=True)
    chosen = _limit_per_category(marked, max_count, 2) if marked else _limit_per_category(ranked, max_count, 1)
    for others in (marked, _limit_per_category(ranked, max_count, 1), ranked):
        chosen += [past for past in others if past not in chosen][: max(0, min_count - len(chosen))]
    return {
        past.pick.key: _explain_highlight(past, (month_names or {}).get(past.month, past.month), translations)
        for past in chosen
    }


def _limit_per_category(picks: Iterable[PastPick], max_count: int, per_category: int) -> list[PastPick]:
    """The first `most` picks, with no more than `per_category` of any category."""
    taken: Counter[str] = Counter()
    out: list[PastPick] = []
    for past in picks:
        if taken[past.category] < per_category and len(out) < max_count:
            taken[past.category] += 1
            out.append(past)
    return out


def _get_ranking_key(past: PastPick) -> tuple[float, str]:
    return past.score or 0.0, past.pick.key


def _explain_highlight(past: PastPick, month: str, translations: Mapping[str, str]) -> str:
    if past.pick.highlight:
        return past.pick.highlight
    name = "named" if past.mentions > 1 else "written" if has_editor_text(past) else "ranked"
    return translations[f"highlight_{name}"].format(month=month, count=past.mentions)


def compute_figures(picks: Sequence[PastPick], read: Mapping[str, int], max_mentioned: int = 10) -> RecapFigures:
    """Count the period; `read` is how many works each month saw, also for months without picks."""
    whole = deduplicate_picks(picks)
    kept = Counter(past.month for past in whole)
    dated = sorted((past for past in whole if past.published), key=lambda past: (past.published, past.pick.key))
    named = sorted((past for past in whole if past.mentions > 1), key=lambda past: (-past.mentions, past.pick.key))
    months = sorted({*read, *kept})
    half = months[len(months) // 2] if months else ""
    early = [past.text or past.pick.title for past in whole if past.month < half]
    late = [past.text or past.pick.title for past in whole if past.month >= half]
    moved = find_distinctive_keywords({"fell": early, "rose": late}, 5, 3) if early and late else {}
    return RecapFigures(
        read=sum(read.values()),
        kept=len(whole),
        months={month: MonthFigures(read.get(month, 0), kept[month]) for month in months},
        categories=_count_by_frequency(past.category for past in whole),
        sources=_count_by_frequency(past.source for past in whole if past.source),
        most_mentioned=[(past.pick.key, past.mentions) for past in named[:max_mentioned]],
        first=dated[0].pick.key if dated else "",
        last=dated[-1].pick.key if dated else "",
        rose=moved.get("rose", []),
        fell=moved.get("fell", []),
        unpublished=sorted({past.month for past in whole if past.is_from_ranking}),
    )


def _count_by_frequency(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda pair: (-pair[1], pair[0])))


def find_missed_works(
    mentions: Mapping[str, int], picked_keys: Iterable[str], max_count: int = 10, min_mentions: int = 2
) -> list[str]:
    """Keys of the works that others named most and that no issue of the period has."""
    known = set(picked_keys)
    named = [(count, key) for key, count in mentions.items() if key not in known and count >= min_mentions]
    return [key for _, key in sorted(named, key=lambda pair: (-pair[0], pair[1]))[:max_count]]


def build_recap_draft(
    period: str,
    title: str,
    when: datetime,
    picks: Sequence[PastPick],
    categories: Mapping[str, str],
    months: Mapping[str, str],
    *,
    form: RecapForm = "category",
    predictions: Sequence[DraftPrediction] = (),
    missed: Sequence[DraftCandidate] = (),
    month_summaries: Mapping[str, MonthSummary] | None = None,
    translations: Mapping[str, str] = RECAP_TRANSLATIONS,
) -> Draft:
    """A recap as a sheet to be edited: every pick of the period once, by date within its section.

    `categories` (slug to title) and `months` (`2025-03` to `March 2025`) are in the reader's order. With form
    "month" the sections are the months, with "both" the categories hold the picks and the months their titles;
    `gists` (by month) stand under those that have one. `words` are those of `WORDS` in the reader's language.
    """
    whole = sorted(deduplicate_picks(picks), key=lambda past: (past.published or date.max, past.month, past.pick.key))
    proposed = propose_highlights(whole, months, translations=translations)
    sections = []
    if form != "month":
        by_category = group_picks(categories, ((past.category, past) for past in whole))
        sections += [
            DraftSection(
                slug, categories.get(slug, slug), entries=_build_entries(group, proposed, months, translations)
            )
            for slug, group in by_category.items()
        ]
    if form != "category":
        headings = propose_month_titles(whole, months)
        for month, group in group_picks(months, ((past.month, past) for past in whole)).items():
            entries = _build_entries(group, proposed, months, translations) if form == "month" else ()
            closing, gist = (
                _build_closing(group, categories, translations),
                (month_summaries or {}).get(month, MonthSummary("", "")),
            )
            sections.append(
                DraftSection(f"m{month}", headings.get(month, month), gist.text, closing, entries, gist.engine)
            )
    return Draft(
        period, title, when, form, sections=tuple(sections), predictions=tuple(predictions), missed=tuple(missed)
    )


def _build_entries(
    group: Sequence[PastPick],
    highlights_by_key: Mapping[str, str],
    months: Mapping[str, str],
    translations: Mapping[str, str],
) -> tuple[DraftPick, ...]:
    return tuple(
        replace(
            past.pick,
            highlight=highlights_by_key.get(past.pick.key),
            covered="",
            facts=_build_byline(past, months, translations),
        )
        for past in group
    )


def _build_byline(past: PastPick, months: Mapping[str, str], translations: Mapping[str, str]) -> str:
    """The pick's facts with what a reader of the recap must know of it."""
    month = months.get(past.month, past.month)
    marks = [
        translations["recap_ranked" if past.is_from_ranking else "recap_in"].format(month=month),
        translations["withdrawn"].format(date=past.withdrawn) if past.withdrawn else "",
        translations["recap_superseded"].format(work=past.superseded_by) if past.superseded_by else "",
    ]
    return " · ".join(part for part in (past.pick.facts, *marks) if part)


def _build_closing(group: Sequence[PastPick], categories: Mapping[str, str], translations: Mapping[str, str]) -> str:
    """How many works, and the category that has more of them than any other and a third at least."""
    (slug, most), *others = Counter(past.category for past in group).most_common()
    leads = most * 3 >= len(group) and most > max((count for _, count in others), default=0)
    form = "one" if len(group) == 1 else "all" if not others else "most" if leads else "spread"
    category = categories.get(slug, slug)
    return translations[f"closing_{form}"].format(
        count=len(group), most=most, category=category, sections=len(others) + 1
    )
