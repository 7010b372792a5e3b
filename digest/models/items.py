"""Items, the places they were seen, which of them are one work, and the state of the sources."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from digest.models import json_column

RADAR_SOURCE = "radar"  # of works that became candidates because several sources named them
NAMING_PREFIX = "named:"  # of the guid of a mention that is a link in a post


class FetchState(SQLModel):
    """The state of a source between two fetches. Validators are opaque and belong to `validators_url`.

    It is a value beside its table, because SQLAlchemy's watch over every attribute of a row slows a fetch.
    """

    source_id: str = Field(primary_key=True)
    url: str = ""  # the configured URL of this state; another one starts from an empty state
    etag: str | None = None
    last_modified: str | None = None
    validators_url: str | None = None
    body_digest: str | None = None
    parser_version: int = 0  # of the program that stored the validators; another one fetches unconditionally
    last_checked: datetime | None = None
    last_changed: datetime | None = None
    next_check: datetime | None = None
    unanswered: int = 0  # claims in a row without an outcome: 1 after a run that was killed
    errors: int = 0  # consecutive
    last_error: str | None = None
    moved_to: str | None = None  # the URL used since a lasting permanent redirect
    moving_to: str | None = None  # the target of a permanent redirect that is not confirmed yet
    moving_since: datetime | None = None
    moving_count: int = 0
    disabled: str | None = None  # the reason, e.g. "410 Gone"
    links_seen: int = 0  # of the page kind, for which no links after some are an error
    cursor: dict[str, Any] = json_column(dict)  # where a kind resumes
    polling_hints: dict[str, Any] = json_column(dict)  # ttl (minutes), skip_hours, skip_days


class SourceState(FetchState, table=True):
    """The stored state of a source."""

    __tablename__ = "source_state"


class Item(SQLModel, table=True):
    """A work: a paper, a post, a launch. `key` is its identity; mentions say where it was seen."""

    id: int = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    kind: str = "post"  # paper | post
    title: str
    title_source: str | None = None  # as the source wrote it, when that differs (TeX)
    title_key: str = Field(default="", index=True)  # letters and figures only: what is compared across sources
    url: str
    authors: list[str] = json_column(list)
    summary: str = ""  # of the source, plain text
    content: str = ""  # longer text of the source, plain, capped
    source_id: str = Field(index=True)  # of the mention that gave the text: the first, or arXiv
    venue: str | None = None
    comment: str | None = None
    categories: list[str] = json_column(list)  # the source's own, e.g. cs.CL
    links: dict[str, str] = json_column(dict)  # pdf, code, project, discussion
    published: datetime | None = Field(default=None, index=True)
    updated: datetime | None = None
    first_seen: datetime = Field(index=True)
    announced: datetime | None = None  # arXiv's announcement
    date_flag: str | None = None  # missing | implausible | backlog: undated, and there at the first fetch
    version: int | None = None  # arXiv's
    withdrawn: datetime | None = None
    digest: str = ""  # of the text that is tagged and quoted; a change means "revised"
    rewordings: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # since its title or a date changed
    # Queries use "> 0": for "IS NOT NULL" SQLite reads the whole table and not the index.
    merged_into: int | None = Field(default=None, foreign_key="item.id", index=True)


class Mention(SQLModel, table=True):
    """A place where an item was seen, with what that place gives."""

    __table_args__ = (UniqueConstraint("source_id", "guid"),)
    id: int = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="item.id", index=True)
    source_id: str
    guid: str  # the source's own id, or a substitute
    url: str
    title: str
    published: datetime | None = None
    first_seen: datetime
    digest: str = ""
    own_key: str = ""  # the mention's own key, for undoing a merge
    text: str = ""  # the source's summary; empty for arXiv, whose summary is the item's


class OutboundLink(SQLModel, table=True):
    """A link from a source's post to a work elsewhere, and the words that name it there."""

    __tablename__ = "outbound_link"
    __table_args__ = (UniqueConstraint("source_id", "guid", "key"),)
    id: int = Field(default=None, primary_key=True)
    source_id: str
    guid: str  # of the post that links
    key: str = Field(index=True)  # of the work
    url: str  # of the work
    anchor: str = ""  # the words of the link
    text: str = ""  # the sentence that holds it
    page_url: str = ""  # of the post
    page_title: str = ""
    at: datetime = Field(index=True)  # when the post was published, or else seen


class Alias(SQLModel, table=True):
    """Another key of an item: a DOI, a URL, the key of an item merged into it."""

    key: str = Field(primary_key=True)
    item_id: int = Field(foreign_key="item.id", index=True)
    reason: str = ""


class Tombstone(SQLModel, table=True):
    """A key that was purged and must not come back as new."""

    key: str = Field(primary_key=True)
    at: datetime


class PossibleDuplicate(SQLModel, table=True):
    """Two items that may be one work; a person decides."""

    __tablename__ = "possible_duplicate"
    __table_args__ = (UniqueConstraint("item_id", "other_id"),)
    id: int = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="item.id", index=True)
    other_id: int = Field(foreign_key="item.id", index=True)
    score: float
    reason: str
    state: str = "open"  # open | merged | distinct
    at: datetime


def build_embedding_text(item: Item) -> str:
    """Build the text that an item's vector represents."""
    return f"{item.title}. {get_abstract(item)}"


def get_abstract(item: Item) -> str:
    """Return the source's summary, or the beginning of its text without one."""
    return item.summary or item.content[:1500]
