"""An issue as the editor sees it: sections, picks and the shortlist, as values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from digest.periods import MONTH_ANCHORS, Period
from digest.text import slugify

BlurbOrigin = Literal["source", "model", "editor"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A newer generated text for a field the editor changed, shown beside the editor's."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class DraftPick:
    """A pick of the issue.

    The title and a generated blurb are plain text; an editor's blurb is Markdown. `facts` are never read back.
    A `url` that differs from the item's was set by the editor, for example to replace a dead link.
    """

    key: str
    title: str
    url: str = ""
    facts: str = ""  # one plain line: authors · venue · date, see `format_facts`
    blurb: str = ""  # empty with origin "source": still to be quoted or written
    origin: BlurbOrigin = "source"
    engine: str = ""  # what a quotation is from ("abstract"), or the model that wrote it
    flags: tuple[str, ...] = ()  # strings of a generated blurb that the source does not support
    verdict: str = ""  # the editor's judgement: for whom, and why; one line of Markdown, printed in bold
    proposed_verdict: str = ""  # a model's, which the editor signs or strikes; never published
    covered: str = ""  # the period that covered the item before
    possible_duplicate: str = ""  # another item that may be the same work, and the command that decides it
    highlight: str | None = None  # why it is at the top
    note: bool = False  # "also noted": one line
    update_of: str | None = None  # the editor's label for an item that was covered before
    conflicts: tuple[Conflict, ...] = ()

    @property
    def lacks_blurb(self) -> bool:
        """Whether a blurb is still to be quoted or written."""
        return self.origin == "source" and not self.blurb and not self.note

    def to_candidate(self) -> DraftCandidate:
        """Return the line of the shortlist for this pick, with the editor's blurb behind it."""
        return DraftCandidate(
            self.key,
            self.title,
            self.url,
            self.facts,
            covered=self.covered,
            possible_duplicate=self.possible_duplicate,
            editor_text=self.editor_text,
        )

    @property
    def editor_text(self) -> str:
        """What the editor wrote on the work, as one Markdown text that ends with the verdict in bold."""
        texts = (self.blurb if self.origin == "editor" else "", self.verdict and f"**{self.verdict}**")
        return "\n\n".join(filter(None, texts))


@dataclass(frozen=True, slots=True)
class AddedUrl:
    """A URL the editor typed into a section; its item is still to be fetched."""

    url: str
    text: str = ""
    title: str = ""


SectionEntry = DraftPick | AddedUrl


@dataclass(frozen=True, slots=True)
class DraftSection:
    """A heading with prose below it and the entries in the reader's order.

    With an `engine` the intro is one line of Markdown that this model wrote; else it is the editor's.
    """

    slug: str
    title: str
    intro: str = ""
    closing: str = ""
    entries: tuple[SectionEntry, ...] = ()
    engine: str = ""

    @property
    def picks(self) -> tuple[DraftPick, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, DraftPick))


@dataclass(frozen=True, slots=True)
class DraftCandidate:
    """A line of the shortlist. The editor sets `mark`: " " open, "x" pick it, "-" reject it."""

    key: str
    title: str
    url: str = ""
    facts: str = ""
    category: str = ""
    confidence: float | None = None
    score: float | None = None
    reasons: tuple[str, ...] = ()
    mentions: int = 1
    covered: str = ""
    possible_duplicate: str = ""
    mark: Literal[" ", "x", "-"] = " "
    editor_text: str = ""  # what the editor wrote behind the line; becomes the blurb

    def __post_init__(self) -> None:
        for name in ("confidence", "score"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else round(float(value), 3))

    def to_pick(self) -> DraftPick:
        """Return the pick this line becomes; without text of the editor its blurb is still to be written."""
        return DraftPick(
            self.key,
            self.title,
            self.url,
            self.facts,
            self.editor_text,
            "editor" if self.editor_text else "source",
            covered=self.covered,
            possible_duplicate=self.possible_duplicate,
        )


@dataclass(frozen=True, slots=True)
class DraftPrediction:
    """A prediction to be scored in a year in review."""

    id: int
    text: str
    outcome: Literal["open", "right", "wrong"] = "open"
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An issue being edited. Title, subject and preheader are plain text; intro, outro and scratch are Markdown."""

    period: str
    title: str
    date: datetime
    form: Literal["category", "month", "both"] = "category"
    state: str = "draft"
    layout: str = "post"
    subject: str = ""  # of the mail, else the title
    preheader: str = ""  # what a mail program shows beside the subject, else the description
    intro: str = ""
    outro: str = ""
    sections: tuple[DraftSection, ...] = ()
    predictions: tuple[DraftPrediction, ...] = ()
    missed: tuple[DraftCandidate, ...] = ()  # in a recap: works that others named; the ticked ones are shown
    shortlist: tuple[DraftCandidate, ...] = ()
    scratch: str = ""  # the editor's notes above the shortlist; readers never see them
    conflicts: tuple[Conflict, ...] = ()
    # Lines of the shortlist that the editor moved into a section, as the parser read them.
    moved_candidates: tuple[DraftCandidate, ...] = field(default=(), compare=False, repr=False)

    def iter_picks(self) -> Iterator[tuple[DraftSection, DraftPick]]:
        """Yield every pick with its section, in order."""
        return ((section, pick) for section in self.sections for pick in section.picks)

    def iter_added_urls(self) -> Iterator[tuple[DraftSection, AddedUrl]]:
        """Yield every URL that is still to be fetched, with its section."""
        return ((s, entry) for s in self.sections for entry in s.entries if isinstance(entry, AddedUrl))

    def find_section(self, slug: str) -> DraftSection | None:
        return next((section for section in self.sections if section.slug == slug), None)

    def map_entries(self, change: Callable[[SectionEntry], SectionEntry | None]) -> Draft:
        """Return the draft with `change` applied to every entry; entries that become None are removed."""
        changed = ((section, map(change, section.entries)) for section in self.sections)
        sections = (
            replace(section, entries=tuple(e for e in entries if e is not None)) for section, entries in changed
        )
        return replace(self, sections=tuple(sections))

    def map_picks(self, change: Callable[[DraftPick], DraftPick | None]) -> Draft:
        """Return the draft with `change` applied to every pick."""
        return self.map_entries(lambda entry: change(entry) if isinstance(entry, DraftPick) else entry)


def is_month_section(slug: str) -> bool:
    """Whether a section of a recap is one of its months."""
    name, _, year = slug.partition("-")
    return name in MONTH_ANCHORS and (not year or re.fullmatch(r"\d{4}", year) is not None)


def get_issue_path(period: Period) -> str:
    """Return an issue's path below the site's base path; it never changes, because readers link to it."""
    year, month = period.first
    if period.kind == "monthly":
        return f"/{year}/{month:02d}/digest/"
    return f"/{year}/review/" if period.kind == "yearly" else f"/review/{slugify(period.name)}/"
