"""The kinds of sources: how each asks and how it reads the answer. A new kind is a module, a line here, a fixture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.ports import Page, Request, Response, SourceLike
from digest.sources import feed, page
from digest.sources.arxiv import oai, query, rss


@dataclass(frozen=True, slots=True)
class SourceKind:
    """`request(source, cursor, now)` asks for the first page, `parse(source, response)` reads any page.

    The cursor is the kind's own place in SourceState, kept from the last Page that had one. Both are pure; parse
    raises ParseError and nothing else.
    """

    build_request: Callable[[SourceLike, Mapping[str, Any], datetime], Request]
    parse_response: Callable[[SourceLike, Response], Page]


SOURCE_KINDS: Mapping[str, SourceKind] = {
    "feed": SourceKind(feed.build_feed_request, feed.parse_feed_response),
    "arxiv": SourceKind(query.build_arxiv_request, query.parse_arxiv_response),
    "arxiv-oai": SourceKind(oai.build_oai_request, oai.parse_oai_response),
    "arxiv-rss": SourceKind(rss.build_arxiv_rss_request, rss.parse_arxiv_rss_response),
    "page": SourceKind(page.build_page_request, page.parse_page_response),
}
