"""From an answer's bytes to items ready for the store. Runs in a worker process: few imports, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from digest.intake import Prepared, Rejected, prepare
from digest.ports import Page, Request, Response, SelectorsLike, SourceLike
from digest.sources import KINDS, read_page, sitemap_dates
from digest.sources.charset import to_utf8
from digest.urls import match_form

PARSER_VERSION = 3  # raise it when the same bytes would now give more: every source is then asked unconditionally


@dataclass(slots=True)
class Reading:
    """What one answer held. `found` counts all of its items; the rest is as in `Page`."""

    prepared: list[Prepared] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    next: Request | None = None
    older: Request | None = None
    feed: Request | None = None
    warnings: list[str] = field(default_factory=list)
    ttl: int | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[str] = frozenset()
    cursor: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None
    cut: bool = False

    @property
    def found(self) -> int:
        return len(self.prepared) + len(self.rejected)

    def faults(self) -> list[str]:
        """What was survived, in words: the parser's warnings, and why items were refused."""
        refused = Counter(item.reason for item in self.rejected)
        return [*self.warnings, *(f"{number} rejected: {reason}" for reason, number in refused.items())]


@dataclass(frozen=True, slots=True)
class PlainSelectors:
    """Selectors as `plain` gives them."""

    item: str
    link: str
    title: str
    date: str
    summary: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A source as `plain` gives it."""

    id: str
    kind: str
    url: str | None
    categories: tuple[str, ...]
    days: int
    max_items: int
    allow_private: bool
    selectors: SelectorsLike


def plain(source: SourceLike) -> SourceLike:
    """The source as a worker is to have it: without the library that checked it, which takes longest to import."""
    own = source.selectors
    selectors = PlainSelectors(own.item, own.link, own.title, own.date, own.summary)
    return Plain(
        source.id, source.kind, source.url, source.categories, source.days, source.max_items, source.allow_private,
        selectors,
    )  # fmt: skip


def ready() -> None:
    """Do nothing: whoever can call this has the module and all that it needs."""


def read(source: SourceLike, response: Response, now: datetime, first_fetch: bool = False) -> Reading:
    """Read an answer as the source's kind does. Raises ParseError."""
    return _reading(KINDS[source.kind].parse(source, response), source, now, first_fetch)


def read_window(source: SourceLike, response: Response, now: datetime) -> Reading:
    """Read a page of arXiv's query API where 0 papers may be true. Raises ParseError."""
    return _reading(read_page(source, response), source, now, first_fetch=True)


def read_dates(response: Response) -> dict[str, datetime]:
    """When the pages of a sitemap last changed, by address in its match form. Raises ParseError."""
    dates = sitemap_dates(to_utf8(response.body, response.headers), response.url)
    return {match_form(url): moment for url, moment in dates.items()}


def _reading(page: Page, source: SourceLike, now: datetime, first_fetch: bool) -> Reading:
    reading = Reading(
        next=page.next,
        older=page.older,
        feed=page.feed,
        warnings=page.warnings,
        ttl=page.ttl,
        skip_hours=page.skip_hours,
        skip_days=page.skip_days,
        cursor=page.cursor,
        total=page.total,
        cut=page.cut,
    )
    for found in page.items:
        outcome = prepare(found, source, now, first_fetch=first_fetch)
        if isinstance(outcome, Rejected):
            reading.rejected.append(outcome)
        else:
            reading.prepared.append(outcome)
    return reading
