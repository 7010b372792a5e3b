"""Build the draft of a recap from its picks: sections, highlights, figures, missed works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from digest.drafts.archive.chapters import ArchiveReview
from digest.drafts.model import Draft, DraftCandidate, DraftPick, DraftPrediction, DraftSection
from digest.drafts.recap.favourites import Favourites
from digest.drafts.recap.keywords import Keyword, find_distinctive_keywords
from digest.drafts.recap.month_chapters import MonthChapter
from digest.drafts.recap.picks import PastPick, compute_pick_weight, deduplicate_picks, group_picks, has_verdict
from digest.periods import parse_period

RecapForm = Literal["category", "month", "both"]
_MAX_MOST_MENTIONED = 10
_MIN_TREND_TEXTS, _MIN_TREND_Z = 8, 3.0  # below these, "rose" and "fell" may be chance


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
) -> dict[str, str]:
    """Propose highlights by key with their reasons: works the editor marked or judged, or that sources named.

    A category has two at most. Without such works there is no highlight.
    """
    eligible = [past for past in deduplicate_picks(picks) if not past.withdrawn and not past.superseded_by]
    marked = [past for past in eligible if past.pick.highlight is not None or has_verdict(past) or past.mentions > 1]
    marked = [past for past in marked if not past.pick.note]
    marked.sort(key=lambda past: (-compute_pick_weight(past), -(past.score or 0.0)))
    counts: Counter[str] = Counter()
    highlights: dict[str, str] = {}
    for past in marked:
        counts[past.category] += 1
        if counts[past.category] <= 2 and len(highlights) < max_count:
            month = (month_names or {}).get(past.month, past.month)
            highlights[past.pick.key] = _explain_highlight(past, month, translations)
    return highlights


def _explain_highlight(past: PastPick, month: str, translations: Mapping[str, str]) -> str:
    if past.pick.highlight:
        return past.pick.highlight
    name = "named" if past.mentions > 1 else "written"
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
    trends = find_distinctive_keywords({"fell": early, "rose": late}, 5, _MIN_TREND_TEXTS) if early and late else {}
    trends = {name: [keyword for keyword in keywords if keyword.z >= _MIN_TREND_Z] for name, keywords in trends.items()}
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
    chapters: Mapping[str, MonthChapter] | None = None,
    favourites: Favourites | None = None,
) -> Draft:
    """Build the draft: every pick of the period once, by date within its section.

    `categories` (slug to title) and `months` (`2025-03` to `March 2025`) are in the reader's order. With the form
    "month" the sections are the months. With "both" the categories have the picks, and the months their chapters.
    `chapters` are the editor's text of the months; a month without one has its summary, if there is one. Picks that
    are no `favourites` are folded into single lines.
    """
    works = sorted(deduplicate_picks(picks), key=lambda past: (past.published or date.max, past.month, past.pick.key))
    if favourites is not None:
        works = [_fold(past, favourites) for past in works]
    highlights = propose_highlights(works, translations, months)
    reasons = favourites.reasons if favourites else {}
    sections = []
    if form != "month":
        for slug, group in group_picks(categories, ((past.category, past) for past in works)).items():
            entries = _build_entries(group, highlights, reasons, months, translations)
            sections.append(DraftSection(slug, categories.get(slug, slug), entries=entries))
    if form != "category":
        anchors = parse_period(period, when).get_month_anchors()
        for month, group in group_picks(months, ((past.month, past) for past in works)).items():
            entries = _build_entries(group, highlights, reasons, months, translations) if form == "month" else ()
            chapter = (chapters or {}).get(month, MonthChapter())
            summary = (month_summaries or {}).get(month, MonthSummary("", ""))
            text, engine = (chapter.text, "") if chapter.text else (summary.text, summary.engine)
            heading = ": ".join(filter(None, (months.get(month, month), chapter.title)))
            sections.append(DraftSection(anchors.get(month, month), heading, text, chapter.closing, entries, engine))
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


def _fold(past: PastPick, favourites: Favourites) -> PastPick:
    """Turn a pick that is no favourite into one line; the editor's text stays, a quotation goes."""
    if favourites.is_kept(past):
        return past
    pick = replace(past.pick, note=True, highlight=None)
    if pick.origin != "editor":
        pick = replace(pick, blurb="", origin="source", engine="", flags=())
    return replace(past, pick=pick)


def _build_entries(
    group: Sequence[PastPick],
    highlights: Mapping[str, str],
    reasons: Mapping[str, str],
    months: Mapping[str, str],
    translations: Mapping[str, str],
) -> tuple[DraftPick, ...]:
    entries = []
    for past in group:
        byline = _build_byline(past, months.get(past.month, past.month), translations)
        if reason := reasons.get(past.pick.key):
            byline = " · ".join(filter(None, (byline, f"kept: {reason}")))
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
