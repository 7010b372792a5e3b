"""Prepare what every renderer shows of an issue: lines, labels, marks, contents.

All texts are plain, except those marked as Markdown.
"""

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

SOURCES_SHOWN = 12
BRIEF_PICK_COUNT = 5  # picks of a recap's month beside categories; the full list has all
DESCRIPTION_LENGTH = 240


@dataclass(frozen=True, slots=True)
class PickPresentation:
    """A pick as lines; `meta` is its byline in parts, `marks` are warnings, `label` names the blurb's author."""

    pick: PickView
    meta: list[str]
    marks: list[str]
    label: str
    links: list[tuple[str, str]]

    @property
    def prose(self) -> bool:
        """Whether the blurb is the editor's Markdown."""
        return self.pick.origin == "editor"

    @property
    def quoted(self) -> bool:
        """Whether the blurb is quoted from the source."""
        return bool(self.pick.blurb) and not self.prose and not self.label

    @property
    def issue(self) -> str:
        """In a recap, the page of the issue the pick comes from."""
        return _issue_page_url(self.pick)


@dataclass(frozen=True, slots=True)
class SectionPresentation:
    """A section with its picks and its brief picks (notes)."""

    section: SectionView
    entries: list[PickPresentation]
    notes: list[PickPresentation]
    label: str = ""  # the author of the section's prose, when it is not the editor

    @property
    def issue(self) -> str:
        """The page of the issue that all picks come from, or empty."""
        pages = {_issue_page_url(pick) for pick in self.section.picks}
        return pages.pop() if len(pages) == 1 else ""

    @property
    def by_date(self) -> list[PickPresentation]:
        """All picks in order of publication."""
        return sorted([*self.entries, *self.notes], key=lambda shown: _publication_order(shown.pick))

    @property
    def count(self) -> int:
        return len(self.entries) + len(self.notes)


Standouts = list[tuple[str, list[tuple[PickPresentation, str]]]]  # a label, and picks with their detail


@dataclass(frozen=True, slots=True)
class IssuePresentation:
    """An issue as all templates read it."""

    view: IssueView
    newsletter: Newsletter
    words: Translations
    blocks: list[SectionPresentation]
    months: list[SectionPresentation]  # of a recap "both": the months as lists, after the categories
    highlights: list[PickPresentation]
    made: list[str]
    figures: list[tuple[str, int]]
    sources: list[dict[str, Any]]
    more_sources: int
    standing: Standouts  # of a recap
    moved: list[tuple[str, str]]  # of a recap: the terms that rose and those that fell
    wrong: list[tuple[str, str]] = field(default_factory=list)  # a prediction and its outcome
    missed: list[PickPresentation] = field(default_factory=list)
    corrections: list[tuple[str, str]] = field(default_factory=list)  # a day, and Markdown

    @property
    def recap(self) -> bool:
        return self.view.kind != "monthly"


def present_issue(view: IssueView, newsletter: Newsletter) -> IssuePresentation:
    """Prepare an issue for its templates, in the newsletter's language."""
    translations = load_translations(newsletter.language)
    presenter = _Presenter(translations, {section.slug: section.title for section in view.main_sections})
    months = view.by_month if view.form == "both" else []
    sources = list(view.numbers.get("sources", []))
    shown_sources = len(sources) if len(sources) <= SOURCES_SHOWN + 1 else SOURCES_SHOWN  # never "1 more sources"
    picks = view.picks()
    shown = {pick.key: presenter.present_pick(pick) for pick in picks}
    return IssuePresentation(
        view=view,
        newsletter=newsletter,
        words=translations,
        blocks=[presenter.present_section(s) for s in view.main_sections if s.picks or s.note or s.closing],
        months=[presenter.present_section(section, is_brief=True) for section in months],
        highlights=[shown[pick.key] for pick in picks if pick.highlight],
        made=_list_colophon(view, newsletter, translations),
        figures=[]
        if view.show_numbers == "none"
        else _list_figures(view, translations) or [(translations["picked"], len(picks))],
        sources=sources[:shown_sources] if view.show_numbers == "table" else [],
        more_sources=len(sources) - shown_sources,
        standing=_list_standouts(view.numbers, shown, translations),
        moved=_list_moved_terms(view.numbers, translations),
        wrong=[(note["text"], translations[f"outcome_{note.get('outcome', 'open')}"]) for note in view.notes],
        missed=[presenter.present_pick(pick) for pick in view.missed],
        corrections=[(_format_day(str(c["at"]), translations), str(c["text"])) for c in view.corrections],
    )


@dataclass(frozen=True, slots=True)
class _Presenter:
    """Presents picks and sections; `titles` are those of the categories by slug."""

    translations: Translations
    titles: dict[str, str]

    def present_section(self, section: SectionView, is_brief: bool = False) -> SectionPresentation:
        picks = section.picks[:BRIEF_PICK_COUNT] if is_brief else section.picks
        shown = [self.present_pick(pick) for pick in picks]
        entries = [each for each in shown if is_brief or not each.pick.note]
        notes = [each for each in shown if not is_brief and each.pick.note]
        return SectionPresentation(
            section, entries, notes, self._label_author(section.engine) if section.engine else ""
        )

    def present_pick(self, pick: PickView) -> PickPresentation:
        byline = [format_byline(pick.authors), pick.venue, self.translations.day(pick.published)]
        meta = list(dict.fromkeys(filter(None, byline)))  # a blog's author is often the blog
        links = [(self.translations.get(name, name), url) for name, url in pick.links.items() if encode_link(url)]
        return PickPresentation(
            pick, meta, self._list_marks(pick), self._label_blurb(pick), [] if pick.issue_url else links
        )

    def _list_marks(self, pick: PickView) -> list[str]:
        translations, marks = self.translations, []
        if pick.ranked:
            marks.append(translations("recap_ranked", month=translations.period(pick.issue_period)))
        if pick.withdrawn:
            marks.append(translations("withdrawn", date=translations.full_day(pick.withdrawn)))
        if pick.superseded:
            marks.append(translations("recap_superseded", work=pick.superseded))
        if pick.update_of:
            marks.append(translations("update_of", period=translations.period(pick.update_of)))
        return marks

    def _label_blurb(self, pick: PickView) -> str:
        """Name the model that wrote the blurb; the editor's text and quotations have no label."""
        return self._label_author(pick.engine) if pick.blurb and is_written_by_model(pick) else ""

    def _label_author(self, engine: str) -> str:
        return self.translations("written_by", engine=engine.rpartition(":")[2] or "AI")


def is_written_by_model(pick: PickView) -> bool:
    """Return whether a model wrote the blurb."""
    return pick.origin == "model" and pick.grounding_status not in ("quoted", "editor")


def _list_colophon(view: IssueView, newsletter: Newsletter, translations: Translations) -> list[str]:
    """State how this page was made: who chose from how much, what is quoted, which models took part.

    Of a page without picks, which is its author's text, only the models are stated.
    """
    if view.colophon:
        return [] if view.colophon == "none" else [view.colophon]
    picks, read = view.picks(), view.numbers.get("read", 0)
    if not picks:
        return view.engines
    values = {"works": translations.picks(len(picks)), "author": newsletter.author or newsletter.title}
    if read > len(picks):
        lines = [translations("colophon_chosen", read=translations.number(read), **values)]
    else:
        lines = [translations("colophon_picked", **values)]
    quoted = sum(1 for pick in picks if pick.blurb and pick.origin != "editor" and not is_written_by_model(pick))
    if quoted:
        lines.append(translations("colophon_quoted", count=translations.number(quoted)))
    return lines + view.engines


def _list_standouts(
    numbers: Mapping[str, Any], shown: Mapping[str, PickPresentation], translations: Translations
) -> Standouts:
    """List the most mentioned works, and the first and the last of the time."""
    mentioned = [
        (shown[key], translations.number(count)) for key, count in numbers.get("most_mentioned", []) if key in shown
    ]
    ends = {"first_work": shown.get(numbers.get("first", "")), "last_work": shown.get(numbers.get("last", ""))}
    dated = {name: [(each, translations.day(each.pick.published))] for name, each in ends.items() if each}
    return [(translations[name], row) for name, row in {"most_mentioned": mentioned, **dated}.items() if row]


def _list_moved_terms(numbers: Mapping[str, Any], translations: Translations) -> list[tuple[str, str]]:
    terms = {way: ", ".join(term["text"] for term in numbers.get(way, [])) for way in ("rose", "fell")}
    return [(translations[way], text) for way, text in terms.items() if text]


def _list_figures(view: IssueView, translations: Translations) -> list[tuple[str, int]]:
    """List read and kept items; imported issues, which count no read items, have kept ones only."""
    numbers = view.numbers
    names = ("read", "kept") if numbers.get("read", 0) >= numbers.get("kept", 0) else ("kept",)
    return [(translations[name], numbers[name]) for name in names if name in numbers]


def _format_day(text: str, translations: Translations) -> str:
    try:
        return translations.full_day(date.fromisoformat(text[:10]))
    except ValueError:
        return text


def _issue_page_url(pick: PickView) -> str:
    """Return the issue's page without the pick's place on it."""
    return pick.issue_url.partition("#")[0]


def _publication_order(pick: PickView) -> tuple[date, str, str]:
    return pick.published or date.max, pick.title, pick.key


def empty_other_sections(sections: Sequence[SectionView], slugs: Collection[str]) -> list[SectionView]:
    """Empty the sections besides `slugs`; they stay, because picks name categories by their titles."""
    return [s if s.slug in slugs else SectionView(s.slug, s.title, s.anchor) for s in sections]


def sort_newest_first(views: Iterable[IssueView]) -> list[IssueView]:
    """Sort issues by publication; a recap that appeared with its last month comes before it."""
    return sorted(views, key=lambda view: (view.published, view.kind != "monthly", view.period), reverse=True)


def short_title(title: str, newsletter: Newsletter) -> str:
    """Remove the newsletter's name from a title, for pages that show the name anyway."""
    return normalise_line(title).removeprefix(f"{normalise_line(newsletter.title)}: ")


def local_day(moment: datetime, newsletter: Newsletter) -> date:
    """Return the day of a moment in the newsletter's time zone."""
    return moment.astimezone(ZoneInfo(newsletter.timezone)).date()


def describe_issue(view: IssueView, newsletter: Newsletter) -> str:
    """Describe an issue in one line: its description, else the introduction's start, else titles."""
    if view.description and view.description != newsletter.description:
        return normalise_line(view.description)
    opening = split_sentences(render_description(view.intro))[:2]
    if opening:
        return shorten_text(" ".join(opening), DESCRIPTION_LENGTH)
    leads = view.highlights or [pick for section in view.main_sections for pick in section.picks[:1]]
    return shorten_text("; ".join(normalise_line(pick.title) for pick in leads), DESCRIPTION_LENGTH)


def make_anchor(name: str) -> str:
    """Make a name valid as an id and in a link to it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "x"
