"""What every renderer shows of an issue, worked out once: lines, labels, marks, contents. Plain text throughout."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from digest.config import Newsletter
from digest.markdown import link, to_words
from digest.ports import IssueView, PickView, SectionView
from digest.render.words import Words, words
from digest.text import by_line, one_line, sentences

UNSURE_BELOW = 0.7  # a category this uncertain is right about every other time, so it is shown with a question mark
SOURCES_SHOWN = 12
BRIEF = 5  # picks a month of a recap by category names; the full list has them all
DESCRIPTION = 240


@dataclass(frozen=True, slots=True)
class Entry:
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
        return issue_page(self.pick)


@dataclass(frozen=True, slots=True)
class Block:
    """A section with its entries and its one-liners."""

    section: SectionView
    entries: list[Entry]
    notes: list[Entry]
    label: str = ""  # who wrote the section's note, when the editor did not

    @property
    def issue(self) -> str:
        """Where the issue stands that all of these come from; empty if there is none."""
        places = {issue_page(pick) for pick in self.section.picks}
        return places.pop() if len(places) == 1 else ""

    @property
    def by_date(self) -> list[Entry]:
        """Entries and one-liners alike, as they appeared."""
        return sorted([*self.entries, *self.notes], key=lambda one: by_date(one.pick))

    @property
    def count(self) -> int:
        return len(self.entries) + len(self.notes)


@dataclass(frozen=True, slots=True)
class Shown:
    """An issue as all templates read it."""

    view: IssueView
    newsletter: Newsletter
    words: Words
    blocks: list[Block]
    months: list[Block]  # of a recap "both": the months as lists, after the categories
    highlights: list[Entry]
    full_list: list[Entry]  # of a recap: every pick once, by date
    made: list[str]
    figures: list[tuple[str, int]]
    sources: list[dict[str, Any]]
    more_sources: int
    standing: list[tuple[str, list[tuple[Entry, str]]]]  # of a recap: works that stand out, with what is told of each
    moved: list[tuple[str, str]]  # of a recap: the terms that rose and those that fell
    wrong: list[tuple[str, str]] = field(default_factory=list)  # a bet, and how it went
    missed: list[Entry] = field(default_factory=list)
    corrections: list[tuple[str, str]] = field(default_factory=list)  # a day, and prose

    @property
    def recap(self) -> bool:
        return self.view.kind != "monthly"


def keeping(sections: Sequence[SectionView], slugs: Collection[str]) -> list[SectionView]:
    """The sections, those besides `slugs` without what they hold: picks elsewhere still name them by their titles."""
    return [s if s.slug in slugs else SectionView(s.slug, s.title, s.anchor) for s in sections]


def by_date(pick: PickView) -> tuple[date, str, str]:
    """What picks are sorted by to stand in order of publication."""
    return pick.published or date.max, pick.title, pick.key


def newest_first(views: Iterable[IssueView]) -> list[IssueView]:
    """Issues as they appeared, the last one first; a review that appeared with its last month comes after it."""
    return sorted(views, key=lambda view: (view.published, view.kind != "monthly", view.period), reverse=True)


def present(view: IssueView, newsletter: Newsletter) -> Shown:
    """Everything templates need about an issue, in the newsletter's language."""
    w = words(newsletter.language)
    titles = {section.slug: section.title for section in view.sections}
    recap = view.kind != "monthly"
    main, months = _layout(view)
    sources = list(view.numbers.get("sources", []))
    shown = len(sources) if len(sources) <= SOURCES_SHOWN + 1 else SOURCES_SHOWN  # never "1 more sources"
    picks = view.picks()
    return Shown(
        view=view,
        newsletter=newsletter,
        words=w,
        blocks=[_block(section, w, titles) for section in main if section.picks or section.note or section.closing],
        months=[_block(section, w, titles, brief=True) for section in months],
        highlights=[entry(pick, w, titles) for pick in picks if pick.highlight],
        full_list=[entry(pick, w, titles) for pick in sorted(picks, key=by_date)] if recap else [],
        made=view.engines or [w["offline"]],
        figures=_figures(view, w) or [(w["picked"], len(picks))],
        sources=sources[:shown],
        more_sources=len(sources) - shown,
        standing=_standing(view.numbers, {pick.key: entry(pick, w, titles) for pick in picks}, w),
        moved=_moved(view.numbers, w),
        wrong=[(note["text"], w[f"outcome_{note.get('outcome', 'open')}"]) for note in view.notes],
        missed=[entry(pick, w, titles) for pick in view.missed],
        corrections=[(_day(str(one["at"]), w), str(one["text"])) for one in view.corrections],
    )


def _standing(
    numbers: Mapping[str, Any], entries: Mapping[str, Entry], w: Words
) -> list[tuple[str, list[tuple[Entry, str]]]]:
    named = [(entries[key], w.number(count)) for key, count in numbers.get("most_mentioned", []) if key in entries]
    ends = {"first_work": entries.get(numbers.get("first", "")), "last_work": entries.get(numbers.get("last", ""))}
    dated = {name: [(one, w.day(one.pick.published))] for name, one in ends.items() if one}
    return [(w[name], row) for name, row in {"most_mentioned": named, **dated}.items() if row]


def _moved(numbers: Mapping[str, Any], w: Words) -> list[tuple[str, str]]:
    terms = {way: ", ".join(term["text"] for term in numbers.get(way, [])) for way in ("rose", "fell")}
    return [(w[way], told) for way, told in terms.items() if told]


def _figures(view: IssueView, w: Words) -> list[tuple[str, int]]:
    """Read and kept; less read than kept means that imported issues say nothing of what was read for them."""
    numbers = view.numbers
    known = ("read", "kept") if numbers.get("read", 0) >= numbers.get("kept", 0) else ("kept",)
    return [(w[name], numbers[name]) for name in known if name in numbers]


def _layout(view: IssueView) -> tuple[list[SectionView], list[SectionView]]:
    """The sections shown in full, and those shown as lists."""
    if view.form == "month" and view.by_month:
        return view.by_month, []
    return view.sections, view.by_month if view.form == "both" else []


def _block(section: SectionView, w: Words, titles: dict[str, str], brief: bool = False) -> Block:
    picks = section.picks[:BRIEF] if brief else section.picks
    entries = [entry(pick, w, titles) for pick in picks]
    return Block(
        section,
        entries=[e for e in entries if brief or not e.pick.note],
        notes=[e for e in entries if not brief and e.pick.note],
        label=_written_by(section.engine, w) if section.engine else "",
    )


def entry(pick: PickView, w: Words, titles: dict[str, str]) -> Entry:
    """The lines of one pick; `titles` are those of the categories by slug."""
    parts = [by_line(pick.authors), pick.venue, w.day(pick.published)]
    return Entry(
        pick=pick,
        meta=list(dict.fromkeys(part for part in parts if part)),  # a blog's author is often the blog
        marks=_marks(pick, w, titles),
        label=_label(pick, w),
        links=[] if pick.issue_url else [(w.get(name, name), url) for name, url in pick.links.items() if link(url)],
    )


def _marks(pick: PickView, w: Words, titles: dict[str, str]) -> list[str]:
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


def _label(pick: PickView, w: Words) -> str:
    """Whose words the blurb is; the editor's need no label."""
    if not pick.blurb or "editor" in (pick.verdict, pick.origin):
        return ""
    if pick.origin == "model" and pick.verdict != "quoted":
        return _written_by(pick.engine, w)
    known = f"from_{pick.quoted_from}"
    label = w[known] if known in w else w("from_other", source=pick.quoted_from)
    return f"({w['failed_check']}) {label}" if pick.engine and pick.origin == "model" else label


def _written_by(engine: str, w: Words) -> str:
    return w("written_by", engine=engine.rpartition(":")[2] or "AI")


def issue_page(pick: PickView) -> str:
    """The issue's page, whether or not `issue_url` names the place on it."""
    return pick.issue_url.partition("#")[0]


def short_title(title: str, newsletter: Newsletter) -> str:
    """A title without the newsletter's name before it, for pages that show the name anyway."""
    return one_line(title).removeprefix(f"{one_line(newsletter.title)}: ")


def _day(text: str, w: Words) -> str:
    try:
        return w.full_day(date.fromisoformat(text[:10]))
    except ValueError:
        return text


def local_day(moment: datetime, newsletter: Newsletter) -> date:
    """The day a moment falls on where the newsletter is written."""
    return moment.astimezone(ZoneInfo(newsletter.timezone)).date()


def describe(view: IssueView, newsletter: Newsletter) -> str:
    """The issue in one line: its own description, else how the editor begins, else the first titles."""
    if view.description and view.description != newsletter.description:
        return one_line(view.description)
    opening = sentences(to_words(view.intro))[:2]
    if opening:
        return shortened(" ".join(opening), DESCRIPTION)
    leads = view.highlights or [pick for section in view.sections for pick in section.picks[:1]]
    return shortened("; ".join(one_line(pick.title) for pick in leads), DESCRIPTION)


def shortened(text: str, most: int) -> str:
    """At most so many characters, cut between words."""
    return text if len(text) <= most else text[: most - 2].rsplit(" ", 1)[0] + " …"


def anchor(name: str) -> str:
    """A name that may stand in an id and in a link to it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "x"
