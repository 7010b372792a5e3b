"""Values that source parsers return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from digest.protocols import Request

UNTITLED_TITLE = "Untitled"  # title of an entry without title, address and text


@dataclass(frozen=True, slots=True)
class EntryLink:
    """A link in an entry's text: its words, and the sentence that holds it."""

    url: str
    anchor: str = ""
    text: str = ""


@dataclass(slots=True)
class Entry:
    """An entry of a feed or a page; only a title or a url is required. Datetimes are aware and in UTC."""

    guid: str = ""
    url: str = ""
    title: str = ""
    summary: str = ""  # sanitised HTML or plain text, absolute links
    content: str = ""
    authors: list[str] = field(default_factory=list)
    published: datetime | None = None
    updated: datetime | None = None
    categories: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)  # pdf, code, project, discussion
    arxiv_id: str | None = None
    version: int | None = None
    doi: str | None = None
    venue: str | None = None
    comment: str | None = None
    announced: datetime | None = None
    withdrawn: bool = False
    date_flag: str | None = None  # "implausible" when a date was given and was not plausible
    outbound_links: tuple[EntryLink, ...] = ()
    points_elsewhere: bool = False  # its address is a page of others, as in a link blog


@dataclass(slots=True)
class ParsedFeed:
    """A feed document. `warnings` are faults it survived; `ttl` is in minutes, skip lists are as in RSS."""

    title: str = ""
    link: str = ""
    entries: list[Entry] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ttl: int | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[str] = frozenset()
    next_page: str | None = None
    is_truncated: bool = False  # the document ends early, so more may come the next time


@dataclass(slots=True)
class Page:
    """The entries of one response, requests that follow from it, and the source's polling hints.

    `feed_request` replaces the page; the page's entries count only when that feed cannot be read.
    """

    entries: list[Entry] = field(default_factory=list)
    next_request: Request | None = None
    older_request: Request | None = None  # the page before this one, for entries that were missed
    feed_request: Request | None = None
    warnings: list[str] = field(default_factory=list)
    ttl: int | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[str] = frozenset()
    cursor: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None  # the number of entries the source claims
    is_truncated: bool = False
