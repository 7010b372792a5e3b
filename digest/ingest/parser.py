"""From an answer's bytes to items ready for the store. Runs in a worker process: few imports, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from digest.ingest.normalize import PreparedItem, RejectedEntry, normalize_entry
from digest.protocols import Request, Response
from digest.sources import SOURCE_KINDS
from digest.sources.arxiv.api import parse_arxiv_page
from digest.sources.entries import Page, SelectorsLike, SourceLike
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.html.sitemap import parse_sitemap_dates
from digest.urls.canonical import build_match_url

PARSER_VERSION = 3  # raise it when the same bytes would now give more: every source is then asked unconditionally


@dataclass(slots=True)
class ParsedPage:
    """What one answer held. `found` counts all of its items; the rest is as in `Page`."""

    items: list[PreparedItem] = field(default_factory=list)
    rejected: list[RejectedEntry] = field(default_factory=list)
    next_request: Request | None = None
    older_request: Request | None = None
    feed_request: Request | None = None
    warnings: list[str] = field(default_factory=list)
    ttl: int | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[str] = frozenset()
    cursor: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None
    is_truncated: bool = False

    @property
    def found_count(self) -> int:
        return len(self.items) + len(self.rejected)

    def describe_problems(self) -> list[str]:
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
class PlainSource:
    """A source as `plain` gives it."""

    id: str
    kind: str
    url: str | None
    categories: tuple[str, ...]
    days: int
    max_items: int
    allow_private: bool
    selectors: SelectorsLike


def to_plain_source(source: SourceLike) -> SourceLike:
    """The source as a worker is to have it: without the library that checked it, which takes longest to import."""
    own = source.selectors
    selectors = PlainSelectors(own.item, own.link, own.title, own.date, own.summary)
    return PlainSource(
        source.id, source.kind, source.url, source.categories, source.days, source.max_items, source.allow_private,
        selectors,
    )  # fmt: skip


def preload_parser_modules() -> None:
    """Do nothing: whoever can call this has the module and all that it needs."""


def parse_response(source: SourceLike, response: Response, now: datetime, is_first_fetch: bool = False) -> ParsedPage:
    """Read an answer as the source's kind does. Raises ParseError."""
    return _normalize_page(SOURCE_KINDS[source.kind].parse_response(source, response), source, now, is_first_fetch)


def parse_window(source: SourceLike, response: Response, now: datetime) -> ParsedPage:
    """Read a page of arXiv's query API where 0 papers may be true. Raises ParseError."""
    return _normalize_page(parse_arxiv_page(source, response), source, now, is_first_fetch=True)


def parse_sitemap_response(response: Response) -> dict[str, datetime]:
    """When the pages of a sitemap last changed, by address in its match form. Raises ParseError."""
    dates = parse_sitemap_dates(transcode_to_utf8(response.body, response.headers), response.url)
    return {build_match_url(url): moment for url, moment in dates.items()}


def _normalize_page(page: Page, source: SourceLike, now: datetime, is_first_fetch: bool) -> ParsedPage:
    reading = ParsedPage(
        next_request=page.next_request,
        older_request=page.older_request,
        feed_request=page.feed_request,
        warnings=page.warnings,
        ttl=page.ttl,
        skip_hours=page.skip_hours,
        skip_days=page.skip_days,
        cursor=page.cursor,
        total=page.total,
        is_truncated=page.is_truncated,
    )
    for found in page.entries:
        outcome = normalize_entry(found, source, now, is_first_fetch=is_first_fetch)
        if isinstance(outcome, RejectedEntry):
            reading.rejected.append(outcome)
        else:
            reading.items.append(outcome)
    return reading
