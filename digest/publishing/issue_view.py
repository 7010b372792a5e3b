"""The issue model that every renderer reads: post, feed, mail.

Texts are plain; prose is Markdown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal


@dataclass(slots=True)
class PickView:
    """A pick as readers see it; metadata comes from the stored item."""

    key: str
    anchor: str  # its id on the page, stable: a slug of the key
    title: str
    url: str
    authors: list[str]
    category: str
    published: date | None = None
    venue: str = ""  # "arXiv 2506.01234", a journal, or the source's name
    blurb: str = ""  # editor's Markdown when origin is editor, else plain text
    origin: Literal["source", "model", "editor"] = "source"
    grounding_status: Literal["quoted", "grounded", "flagged", "editor"] = "quoted"
    verdict: str = ""  # the editor's judgement, one line of Markdown, printed in bold
    flags: list[str] = field(default_factory=list)
    quoted_from: str = "abstract"
    engine: str = ""  # the model that wrote the blurb
    confidence: float | None = None  # of the category
    second_guess: str | None = None
    links: dict[str, str] = field(default_factory=dict)  # pdf, code, project, discussion
    note: bool = False  # "also noted": one line
    highlight: str | None = None  # the reason to highlight it
    update_of: str | None = None  # period it was covered in before
    withdrawn: date | None = None
    superseded: str = ""  # the work that replaces it, as its authors name it
    mentions: int = 1
    issue_period: str = ""  # in a recap: the monthly issue it comes from
    issue_url: str = ""  # empty where that month was never published
    ranked: bool = False  # in a recap: it was not picked but ranked in its month


@dataclass(slots=True)
class SectionView:
    """A section: a category of the issue, or a month of a recap. `anchor` is its id on the page."""

    slug: str
    title: str
    anchor: str
    note: str = ""  # prose under the heading, Markdown
    picks: list[PickView] = field(default_factory=list)
    closing: str = ""
    engine: str = ""  # the model that wrote the note, if not the editor


@dataclass(slots=True)
class Neighbour:
    """The issue before or after."""

    title: str
    path: str


@dataclass(slots=True)
class IssueView:
    """An issue; `path` is below the site's base path (/2026/10/digest/), datetimes are in UTC."""

    period: str
    kind: Literal["monthly", "yearly", "range"]
    form: Literal["category", "month", "both"]
    title: str
    path: str
    atom_id: str
    published: datetime
    updated: datetime
    subject: str = ""  # of the mail, else the title
    preheader: str = ""  # of the mail, else the description
    intro: str = ""  # editor's Markdown
    outro: str = ""
    description: str = ""  # plain, one or two sentences
    sections: list[SectionView] = field(default_factory=list)
    by_month: list[SectionView] = field(default_factory=list)  # of a recap with form "month" or "both"
    numbers: dict[str, Any] = field(default_factory=dict)  # read, kept, sources: [{"name", "read", "kept"}]
    engines: list[str] = field(default_factory=list)
    corrections: list[dict[str, Any]] = field(default_factory=list)  # [{"at": ISO date, "text": Markdown}]
    notes: list[dict[str, Any]] = field(default_factory=list)  # predictions: [{"text", "outcome"}]
    charts: list[dict[str, Any]] = field(default_factory=list)
    missed: list[PickView] = field(default_factory=list)  # of a recap: works that no issue had
    previous: Neighbour | None = None
    next: Neighbour | None = None
    notice: str = ""
    colophon: str = ""  # replaces the facts of the page; "none" shows nothing
    show_numbers: Literal["none", "brief", "table"] = "brief"

    @property
    def main_sections(self) -> list[SectionView]:
        """The sections shown in full; a recap by month has its months and the editor's own sections."""
        return self.by_month if self.form == "month" and self.by_month else self.sections

    def picks(self) -> list[PickView]:
        """List every pick once, in page order."""
        return list({pick.key: pick for section in self.main_sections for pick in section.picks}.values())

    @property
    def highlights(self) -> list[PickView]:
        return [pick for pick in self.picks() if pick.highlight]
