"""Turn the bytes of a response into prepared items. Runs in the parser process: few imports, no I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING

from digest.ingest.normalize import PreparedItem, RejectedEntry, normalize_entry
from digest.protocols import Response
from digest.sources import find_source_kind
from digest.sources.arxiv.api import parse_arxiv_page
from digest.sources.entries import Page
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.html.sitemap import parse_sitemap_dates
from digest.urls.canonical import build_match_url

if TYPE_CHECKING:
    from digest.config.schema import Source

PARSER_VERSION = 4  # raise it when the same bytes would now give more: every source is then asked unconditionally


@dataclass(slots=True)
class ParsedPage(Page):
    """A page whose entries were normalised: items that can be stored, and rejected ones."""

    items: list[PreparedItem] = field(default_factory=list)
    rejected: list[RejectedEntry] = field(default_factory=list)

    @property
    def found_count(self) -> int:
        return len(self.items) + len(self.rejected)

    def describe_problems(self) -> list[str]:
        """List the parser's warnings and the reasons why entries were rejected."""
        reasons = Counter(entry.reason for entry in self.rejected)
        return [*self.warnings, *(f"{count} rejected: {reason}" for reason, count in reasons.items())]


def parse_response(source: Source, response: Response, now: datetime, is_first_fetch: bool = False) -> ParsedPage:
    """Parse a response as the source's kind does. Raises ParseError."""
    return _normalize_page(find_source_kind(source.kind).parse_response(source, response), source, now, is_first_fetch)


def parse_window(source: Source, response: Response, now: datetime) -> ParsedPage:
    """Parse a page of arXiv's query API where 0 papers may be true. Raises ParseError."""
    return _normalize_page(parse_arxiv_page(source, response), source, now, is_first_fetch=True)


def parse_sitemap_response(response: Response) -> dict[str, datetime]:
    """Parse a sitemap into the last change of each page, by match URL. Raises ParseError."""
    dates = parse_sitemap_dates(transcode_to_utf8(response.body, response.headers), response.url)
    return {build_match_url(url): moment for url, moment in dates.items()}


def _normalize_page(page: Page, source: Source, now: datetime, is_first_fetch: bool) -> ParsedPage:
    parsed_page = ParsedPage(*(getattr(page, each.name) for each in fields(Page)))
    parsed_page.entries = []
    for entry in page.entries:
        outcome = normalize_entry(entry, source, now, is_first_fetch=is_first_fetch)
        if isinstance(outcome, RejectedEntry):
            parsed_page.rejected.append(outcome)
        else:
            parsed_page.items.append(outcome)
    return parsed_page
