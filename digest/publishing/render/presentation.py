"""What every renderer shows of an issue, worked out once: lines, labels, marks, contents. Plain text throughout."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from digest.config.schema import Newsletter
from digest.i18n import Translations, load_translations
from digest.markdown.escape import encode_link
from digest.markdown.render import render_description
from digest.publishing.issue_view import IssueView, PickView, SectionView
from digest.text import format_byline, normalise_line, shorten_text
from digest.text.sentences import split_sentences

UNSURE_BELOW = 0.7  # a category this uncertain is right about every other time, so it is shown with a question mark
SOURCES_SHOWN = 12
BRIEF_PICK_COUNT = 5  # picks a month of a recap by category names; the full list has them all
DESCRIPTION_LENGTH = 240


@dataclass(frozen=True, slots=True)
class PickPresentation:
    """A pick as lines: `meta` parts stand side by side, `marks` are warnings, `label` says whose words the blurb is."""

    pick: PickView
    meta: list[str]
    marks: list[str]
    label: str
    links: list[tuple[str, str]]

    @property
    def prose(self) -> bool:
        """True when the blurb is the editor's Markdown."""
        return self.pick.origin == "editor"

    @property
    def issue(self) -> str:
        """In a recap: the page of the issue the pick comes from."""
        return issue_page_url(self.pick)


@dataclass(frozen=True, slots=True)
class SectionPresentation:
    """A section with its entries and its one-liners."""

    section: SectionView
    entries: list[PickPresentation]
    notes: list[PickPresentation]
    label: str = ""  # who wrote the section's note, when the editor did not

    @property
    def issue(self) -> str:
        """Where the issue stands that all of these come from; empty if there is none."""
        places = {issue_page_url(pick) for pick in self.section.picks}
        return places.pop() if len(places) == 1 else ""

    @property
    def by_date(self) -> list[PickPresentation]:
        """Entries and one-liners alike, as they appeared."""
        return sorted([*self.entries, *self.notes], key=lambda one: publication_order(one.pick))

    @property
    def count(self) -> int:
        return len(self.entries) + len(self.notes)


@dataclass(frozen=True, slots=True)
class IssuePresentation:
    """An issue as all templates read it."""

    view: IssueView
    newsletter: Newsletter
    words: Translations
    blocks: list[SectionPresentation]
    months: list[SectionPresentation]  # of a recap "both": the months as lists, after the categories
    highlights: list[PickPresentation]
    full_list: list[PickPresentation]  # of a recap: every pick once, by date
    made: list[str]
    figures: list[tuple[str, int]]
    sources: list[dict[str, Any]]
    more_sources: int
    standing: list[
        tuple[str, list[tuple[PickPresentation, str]]]
    ]  # of a recap: works that stand out, with what is told of each
    moved: list[tuple[str, str]]  # of a recap: the terms that rose and those that fell
    wrong: list[tuple[str, str]] = field(default_factory=list)  # a bet, and how it went
    missed: list[PickPresentation] = field(default_factory=list)
    corrections: list[tuple[str, str]] = field(default_factory=list)  # a day, and prose

    @property
    def recap(self) -> bool:
        return self.view.kind != "monthly"


def empty_other_sections(sections: Sequence[SectionView], slugs: Collection[str]) -> list[SectionView]:
    """The sections, those besides `slugs` without what they hold: picks elsewhere still name them by their titles."""
    return [s if s.slug in slugs else SectionView(s.slug, s.title, s.anchor) for s in sections]


def publication_order(pick: PickView) -> tuple[date, str, str]:
    """What picks are sorted by to stand in order of publication."""
    return pick.published or date.max, pick.title, pick.key


def sort_newest_first(views: Iterable[IssueView]) -> list[IssueView]:
    """Issues as they appeared, the last one first; a review that appeared with its last month comes after it."""
    return sorted(views, key=lambda view: (view.published, view.kind != "monthly", view.period), reverse=True)


def present_issue(view: IssueView, newsletter: Newsletter) -> IssuePresentation:
    """Everything templates need about an issue, in the newsletter's language."""
    w = load_translations(newsletter.language)
    titles = {section.slug: section.title for section in view.sections}
    recap = view.kind != "monthly"
    main, months = _choose_layout(view)
    sources = list(view.numbers.get("sources", []))
    shown = len(sources) if len(sources) <= SOURCES_SHOWN + 1 else SOURCES_SHOWN  # never "1 more sources"
    picks = view.picks()
    return IssuePresentation(
        view=view,
        newsletter=newsletter,
        words=w,
        blocks=[
            _present_section(section, w, titles) for section in main if section.picks or section.note or section.closing
        ],
        months=[_present_section(section, w, titles, brief=True) for section in months],
        highlights=[present_pick(pick, w, titles) for pick in picks if pick.highlight],
        full_list=[present_pick(pick, w, titles) for pick in sorted(picks, key=publication_order)] if recap else [],
        made=view.engines or [w["offline"]],
        figures=_list_figures(view, w) or [(w["picked"], len(picks))],
        sources=sources[:shown],
        more_sources=len(sources) - shown,
        standing=_list_standouts(view.numbers, {pick.key: present_pick(pick, w, titles) for pick in picks}, w),
        moved=_list_moved_terms(view.numbers, w),
        wrong=[(note["text"], w[f"outcome_{note.get('outcome', 'open')}"]) for note in view.notes],
        missed=[present_pick(pick, w, titles) for pick in view.missed],
        corrections=[(_format_day(str(one["at"]), w), str(one["text"])) for one in view.corrections],
    )


def _list_standouts(
    numbers: Mapping[str, Any], entries: Mapping[str, PickPresentation], w: Translations
) -> list[tuple[str, list[tuple[PickPresentation, str]]]]:
    named = [(entries[key], w.number(count)) for key, count in numbers.get("most_mentioned", []) if key in entries]
    ends = {"first_work": entries.get(numbers.get("first", "")), "last_work": entries.get(numbers.get("last", ""))}
    dated = {name: [(one, w.day(one.pick.published))] for name, one in ends.items() if one}
    return [(w[name], row) for name, row in {"most_mentioned": named, **dated}.items() if row]


def _list_moved_terms(numbers: Mapping[str, Any], w: Translations) -> list[tuple[str, str]]:
    terms = {way: ", ".join(term["text"] for term in numbers.get(way, [])) for way in ("rose", "fell")}
    return [(w[way], told) for way, told in terms.items() if told]


def _list_figures(view: IssueView, w: Translations) -> list[tuple[str, int]]:
    """Read and kept; less read than kept means that imported issues say nothing of what was read for them."""
    numbers = view.numbers
    known = ("read", "kept") if numbers.get("read", 0) >= numbers.get("kept", 0) else ("kept",)
    return [(w[name], numbers[name]) for name in known if name in numbers]


def _choose_layout(view: IssueView) -> tuple[list[SectionView], list[SectionView]]:
    """The sections shown in full, and those shown as lists."""
    if view.form == "month" and view.by_month:
        return view.by_month, []
    return view.sections, view.by_month if view.form == "both" else []


def _present_section(
    section: SectionView, w: Translations, titles: dict[str, str], brief: bool = False
) -> SectionPresentation:
    picks = section.picks[:BRIEF_PICK_COUNT] if brief else section.picks
    entries = [present_pick(pick, w, titles) for pick in picks]
    return SectionPresentation(
        section,
        entries=[e for e in entries if brief or not e.pick.note],
        notes=[e for e in entries if not brief and e.pick.note],
        label=_format_author_label(section.engine, w) if section.engine else "",
    )


def present_pick(pick: PickView, w: Translations, titles: dict[str, str]) -> PickPresentation:
    """The lines of one pick; `titles` are those of the categories by slug."""
    parts = [format_byline(pick.authors), pick.venue, w.day(pick.published)]
    return PickPresentation(
        pick=pick,
        meta=list(dict.fromkeys(part for part in parts if part)),  # a blog's author is often the blog
        marks=_list_marks(pick, w, titles),
        label=_format_blurb_label(pick, w),
        links=[]
        if pick.issue_url
        else [(w.get(name, name), url) for name, url in pick.links.items() if encode_link(url)],
    )


def _list_marks(pick: PickView, w: Translations, titles: dict[str, str]) -> list[str]:
    marks = []
    if pick.ranked:
        marks.append(w("recap_ranked", month=w.period(pick.issue_period)))
    if pick.withdrawn:
        marks.append(w("withdrawn", date=w.full_day(pick.withdrawn)))
    if pick.superseded:
        marks.append(w("recap_superseded", work=pick.superseded))
    if pick.update_of:
        marks.append(w("update_of", period=w.period(pick.update_of)))
    if pick.confidence is not None and pick.confidence < UNSURE_BELOW:
        category = titles.get(pick.category, pick.category)
        other = titles.get(pick.second_guess or "", pick.second_guess or "")
        marks.append(w("unsure_or", category=category, other=other) if other else w("unsure", category=category))
    return marks


def _format_blurb_label(pick: PickView, w: Translations) -> str:
    """Whose words the blurb is; the editor's need no label."""
    if not pick.blurb or "editor" in (pick.verdict, pick.origin):
        return ""
    if pick.origin == "model" and pick.verdict != "quoted":
        return _format_author_label(pick.engine, w)
    known = f"from_{pick.quoted_from}"
    label = w[known] if known in w else w("from_other", source=pick.quoted_from)
    return f"({w['failed_check']}) {label}" if pick.engine and pick.origin == "model" else label


def _format_author_label(engine: str, w: Translations) -> str:
    return w("written_by", engine=engine.rpartition(":")[2] or "AI")


def issue_page_url(pick: PickView) -> str:
    """The issue's page, whether or not `issue_url` names the place on it."""
    return pick.issue_url.partition("#")[0]


def short_title(title: str, newsletter: Newsletter) -> str:
    """A title without the newsletter's name before it, for pages that show the name anyway."""
    return normalise_line(title).removeprefix(f"{normalise_line(newsletter.title)}: ")


def _format_day(text: str, w: Translations) -> str:
    try:
        return w.full_day(date.fromisoformat(text[:10]))
    except ValueError:
        return text


def local_day(moment: datetime, newsletter: Newsletter) -> date:
    """The day a moment falls on where the newsletter is written."""
    return moment.astimezone(ZoneInfo(newsletter.timezone)).date()


def describe_issue(view: IssueView, newsletter: Newsletter) -> str:
    """The issue in one line: its own description, else how the editor begins, else the first titles."""
    if view.description and view.description != newsletter.description:
        return normalise_line(view.description)
    opening = split_sentences(render_description(view.intro))[:2]
    if opening:
        return shorten_text(" ".join(opening), DESCRIPTION_LENGTH)
    leads = view.highlights or [pick for section in view.sections for pick in section.picks[:1]]
    return shorten_text("; ".join(normalise_line(pick.title) for pick in leads), DESCRIPTION_LENGTH)


def make_anchor(name: str) -> str:
    """A name that may stand in an id and in a link to it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "x"
