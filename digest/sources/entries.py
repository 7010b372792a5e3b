"""Values that source parsers return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from digest.protocols import Request

UNTITLED_TITLE = "Untitled"  # the title of what has neither title nor address nor words


@dataclass(slots=True)
class Entry:
    """One item as a source gave it: all optional but a title or a url. Datetimes are aware and in UTC."""

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
    date_flag: str | None = None  # "implausible" when a date was given and could not be believed


@dataclass(slots=True)
class ParsedFeed:
    """A feed document. `warnings` are survivable faults; ttl is in minutes, skip lists as RSS gives them."""

    title: str = ""
    link: str = ""
    entries: list[Entry] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ttl: int | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[str] = frozenset()
    next_page: str | None = None
    is_truncated: bool = False  # the document stops before its end: more may come the next time


@dataclass(slots=True)
class Page:
    """What one response held: items, the next request if there is one, and how the source wants to be polled.

    `feed` is asked in the page's place, whose items only count when that feed cannot be had.
    """

    entries: list[Entry] = field(default_factory=list)
    next_request: Request | None = None
    older_request: Request | None = None  # what came before this page, for who may have missed it
    feed_request: Request | None = None
    warnings: list[str] = field(default_factory=list)
    ttl: int | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[str] = frozenset()
    cursor: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None  # how many the source says there are, where it says so
    is_truncated: bool = False
