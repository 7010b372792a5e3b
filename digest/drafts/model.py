"""The sheet as values: an issue under the editor's hand, its sections, its picks, and the shortlist below the line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from digest.periods import Period
from digest.text import slugify

BlurbOrigin = Literal["source", "model", "editor"]


@dataclass(frozen=True, slots=True)
class Conflict:
    """The program's newer text for a field the editor changed; the editor's stands, this is shown beside it."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class DraftPick:
    """A pick. Title and a machine's blurb are plain text; an editor's blurb is Markdown. Facts are never read back.

    A `url` that is not the work's is the editor's own, put in the place of one that is dead.
    """

    key: str
    title: str
    url: str = ""
    facts: str = ""  # one plain line: authors · venue · date, see `facts_line`
    blurb: str = ""  # empty with origin "source": still to be quoted or written
    origin: BlurbOrigin = "source"
    engine: str = ""  # what a quotation is from ("abstract"), or the model that wrote it
    flags: tuple[str, ...] = ()  # strings of a machine's blurb that the source does not support
    covered: str = ""  # the period in which the work was already covered
    possible_duplicate: str = ""  # another work that may be the same, and the command that settles it
    highlight: str | None = None  # why it stands at the top
    note: bool = False  # "also noted": one line
    update_of: str | None = None  # the editor's label for a work that was covered before
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class AddedUrl:
    """An address the editor typed into a section; what stands there is still to be fetched."""

    url: str
    words: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class DraftSection:
    """A heading with prose under it and the entries in the reader's order.

    The prose is the editor's, or, with an `engine`, one line of Markdown that this model wrote.
    """

    slug: str
    title: str
    intro: str = ""
    closing: str = ""
    entries: tuple[DraftPick | AddedUrl, ...] = ()
    engine: str = ""

    @property
    def picks(self) -> tuple[DraftPick, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, DraftPick))


@dataclass(frozen=True, slots=True)
class DraftCandidate:
    """A line of the shortlist. `mark` is the editor's: " " open, "x" pick it, "-" turned down."""

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


@dataclass(frozen=True, slots=True)
class DraftPrediction:
    """A bet or a doubt kept for the year's end; the editor answers right, wrong or open."""

    id: int
    text: str
    outcome: Literal["open", "right", "wrong"] = "open"
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An issue as the editor sees it. Prose (intro, outro, notes, scratch) is Markdown, the title plain text."""

    period: str
    title: str
    date: datetime
    form: Literal["category", "month", "both"] = "category"
    state: str = "draft"
    layout: str = "post"
    intro: str = ""
    outro: str = ""
    sections: tuple[DraftSection, ...] = ()
    predictions: tuple[DraftPrediction, ...] = ()
    missed: tuple[DraftCandidate, ...] = ()  # of a recap: works that others named; those ticked are shown
    shortlist: tuple[DraftCandidate, ...] = ()
    scratch: str = ""  # the editor's own lines below the line; readers never see them
    conflicts: tuple[Conflict, ...] = ()
    # Lines of the shortlist as they were read in a section.
    moved_candidates: tuple[DraftCandidate, ...] = field(default=(), compare=False, repr=False)

    def iter_picks(self) -> Iterator[tuple[DraftSection, DraftPick]]:
        """Every pick with its section, in order."""
        for section in self.sections:
            for pick in section.picks:
                yield section, pick

    def iter_added_urls(self) -> Iterator[tuple[DraftSection, AddedUrl]]:
        """Every address that waits to be fetched, with its section."""
        for section in self.sections:
            for entry in section.entries:
                if isinstance(entry, AddedUrl):
                    yield section, entry


def is_month_section(slug: str) -> bool:
    """Whether a section of a recap is one of its months."""
    return bool(re.fullmatch(r"m\d{4}-\d{2}", slug))


def get_issue_path(period: Period) -> str:
    """An issue's place below the site's base path; it never changes, readers link to it."""
    year, month = period.first
    if period.kind == "monthly":
        return f"/{year}/{month:02d}/digest/"
    return f"/{year}/review/" if period.kind == "yearly" else f"/review/{slugify(period.name)}/"
