"""Build the draft of a recap from its picks: sections, highlights, figures, missed works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from digest.drafts.archive.chapters import ArchiveReview
from digest.drafts.model import Draft, DraftCandidate, DraftPick, DraftPrediction, DraftSection
from digest.drafts.recap.keywords import Keyword, find_distinctive_keywords, propose_month_titles
from digest.drafts.recap.picks import PastPick, compute_pick_weight, deduplicate_picks, group_picks, has_editor_text

RecapForm = Literal["category", "month", "both"]
_MAX_MOST_MENTIONED = 10


@dataclass(frozen=True, slots=True)
class MonthSummary:
    """A model's sentence on a month: a line of Markdown with links to the picks it rests on."""

    text: str
    engine: str


@dataclass(frozen=True, slots=True)
class RecapFigures:
    """The period in figures, as the issue stores them. Categories and most mentioned are in falling order."""

    months: dict[str, dict[str, int]]  # read and kept
    categories: dict[str, int]
    most_mentioned: list[tuple[str, int]] = field(default_factory=list)  # keys
    first: str = ""
    last: str = ""
    rose: list[Keyword] = field(default_factory=list)
    fell: list[Keyword] = field(default_factory=list)
    unpublished: list[str] = field(default_factory=list)  # months from the ranking


def propose_highlights(
    picks: Sequence[PastPick],
    translations: Mapping[str, str],
    month_names: Mapping[str, str] | None = None,
    max_count: int = 5,
    min_count: int = 3,
) -> dict[str, str]:
    """Propose highlights by key with their reasons: highlighted or written by the editor, mentioned by sources.

    A category has two at most, unless there would be fewer than `min_count`. Where too few works qualify, the highest
    ranked are added, one per category.
    """
    eligible = [
        past
        for past in deduplicate_picks(picks)
        if not past.withdrawn and not past.superseded_by and not past.pick.note
    ]
    weighted = [past for past in eligible if compute_pick_weight(past)[0] > 0]
    weighted.sort(key=compute_pick_weight, reverse=True)
    ranked = [past for past in eligible if past.score is not None]
    ranked.sort(key=lambda past: (past.score or 0.0, past.pick.key), reverse=True)
    best_ranked = _limit_per_category(ranked, max_count, 1)
    chosen = _limit_per_category(weighted, max_count, 2) if weighted else best_ranked[:]
    for others in (weighted, best_ranked, ranked):
        chosen += [past for past in others if past not in chosen][: max(0, min_count - len(chosen))]
    names = month_names or {}
    return {past.pick.key: _explain_highlight(past, names.get(past.month, past.month), translations) for past in chosen}


def _limit_per_category(picks: Iterable[PastPick], max_count: int, per_category: int) -> list[PastPick]:
    counts: Counter[str] = Counter()
    selected: list[PastPick] = []
    for past in picks:
        if counts[past.category] < per_category and len(selected) < max_count:
            counts[past.category] += 1
            selected.append(past)
    return selected


def _explain_highlight(past: PastPick, month: str, translations: Mapping[str, str]) -> str:
    if past.pick.highlight:
        return past.pick.highlight
    name = "named" if past.mentions > 1 else "written" if has_editor_text(past) else "ranked"
    return translations[f"highlight_{name}"].format(month=month, count=past.mentions)


def compute_figures(picks: Sequence[PastPick], read_by_month: Mapping[str, int]) -> RecapFigures:
    """Count the period; `read_by_month` also has the months without picks."""
    works = deduplicate_picks(picks)
    picked_by_month = Counter(past.month for past in works)
    dated = sorted((past for past in works if past.published), key=lambda past: (past.published, past.pick.key))
    mentioned = sorted((past for past in works if past.mentions > 1), key=lambda past: (-past.mentions, past.pick.key))
    months = sorted({*read_by_month, *picked_by_month})
    half = months[len(months) // 2] if months else ""
    early = [past.pick.title for past in works if past.month < half]
    late = [past.pick.title for past in works if past.month >= half]
    trends = find_distinctive_keywords({"fell": early, "rose": late}, 5, 3) if early and late else {}
    categories = Counter(past.category for past in works)
    return RecapFigures(
        months={m: {"read": read_by_month.get(m, 0), "kept": picked_by_month[m]} for m in months},
        categories=dict(sorted(categories.items(), key=lambda pair: (-pair[1], pair[0]))),
        most_mentioned=[(past.pick.key, past.mentions) for past in mentioned[:_MAX_MOST_MENTIONED]],
        first=dated[0].pick.key if dated else "",
        last=dated[-1].pick.key if dated else "",
        rose=trends.get("rose", []),
        fell=trends.get("fell", []),
        unpublished=sorted({past.month for past in works if past.is_from_ranking}),
    )


def find_missed_works(
    mentions: Mapping[str, int], picked_keys: Iterable[str], max_count: int = 10, min_mentions: int = 2
) -> list[str]:
    """Find the keys of the most mentioned works that no issue of the period has."""
    picked = set(picked_keys)
    missed = [(-count, key) for key, count in mentions.items() if key not in picked and count >= min_mentions]
    return [key for _, key in sorted(missed)[:max_count]]


def build_recap_draft(
    period: str,
    title: str,
    when: datetime,
    picks: Sequence[PastPick],
    categories: Mapping[str, str],
    months: Mapping[str, str],
    translations: Mapping[str, str],
    *,
    form: RecapForm = "category",
    predictions: Sequence[DraftPrediction] = (),
    missed: Sequence[DraftCandidate] = (),
    month_summaries: Mapping[str, MonthSummary] | None = None,
) -> Draft:
    """Build the draft: every pick of the period once, by date within its section.

    `categories` (slug to title) and `months` (`2025-03` to `March 2025`) are in the reader's order. With the form
    "month" the sections are the months. With "both" the categories have the picks, and the months their titles and
    the summaries.
    """
    works = sorted(deduplicate_picks(picks), key=lambda past: (past.published or date.max, past.month, past.pick.key))
    highlights = propose_highlights(works, translations, months)
    sections = []
    if form != "month":
        for slug, group in group_picks(categories, ((past.category, past) for past in works)).items():
            entries = _build_entries(group, highlights, months, translations)
            sections.append(DraftSection(slug, categories.get(slug, slug), entries=entries))
    if form != "category":
        headings = propose_month_titles(works, months)
        for month, group in group_picks(months, ((past.month, past) for past in works)).items():
            entries = _build_entries(group, highlights, months, translations) if form == "month" else ()
            summary = (month_summaries or {}).get(month, MonthSummary("", ""))
            closing, heading = _build_closing(group, categories, translations), headings.get(month, month)
            sections.append(DraftSection(f"m{month}", heading, summary.text, closing, entries, summary.engine))
    draft = Draft(period, title, when, form, sections=tuple(sections))
    return replace(draft, predictions=tuple(predictions), missed=tuple(missed))


def build_carried_draft(period: str, when: datetime, review: ArchiveReview, *, form: RecapForm) -> Draft:
    """Build the draft of a review that its author published elsewhere, with the text as it is."""
    sections: dict[str, DraftSection] = {}
    for chapter in review.chapters:
        slug, number = chapter.anchor, 2
        while slug in sections:
            slug, number = f"{chapter.anchor}-{number}", number + 1
        sections[slug] = DraftSection(slug, chapter.title, chapter.text, chapter.closing)
    return Draft(period, review.title, when, form, intro=review.intro, sections=tuple(sections.values()))


def _build_entries(
    group: Sequence[PastPick], highlights: Mapping[str, str], months: Mapping[str, str], translations: Mapping[str, str]
) -> tuple[DraftPick, ...]:
    entries = []
    for past in group:
        byline = _build_byline(past, months.get(past.month, past.month), translations)
        highlight = highlights.get(past.pick.key)
        entries.append(replace(past.pick, highlight=highlight, covered="", facts=byline))
    return tuple(entries)


def _build_byline(past: PastPick, month: str, translations: Mapping[str, str]) -> str:
    """Add the month, a withdrawal and a superseding work to the pick's byline."""
    parts = [
        past.pick.facts,
        translations["recap_ranked" if past.is_from_ranking else "recap_in"].format(month=month),
        translations["withdrawn"].format(date=past.withdrawn) if past.withdrawn else "",
        translations["recap_superseded"].format(work=past.superseded_by) if past.superseded_by else "",
    ]
    return " · ".join(filter(None, parts))


def _build_closing(group: Sequence[PastPick], categories: Mapping[str, str], translations: Mapping[str, str]) -> str:
    """State the number of works, and the category that leads with at least a third of them."""
    (slug, most), *others = Counter(past.category for past in group).most_common()
    leads = most * 3 >= len(group) and most > max((count for _, count in others), default=0)
    form = "one" if len(group) == 1 else "all" if not others else "most" if leads else "spread"
    category = categories.get(slug, slug)
    template = translations[f"closing_{form}"]
    return template.format(count=len(group), most=most, category=category, sections=len(others) + 1)
