"""Registry of source kinds.

The kinds of sources: how each asks and how it reads the answer. A new kind is a module, a line here, a fixture.

Sources: what to ask a place for, and what its answer holds. Pure functions on bytes; fetching is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.config.schema import Source
from digest.protocols import Request, Response
from digest.sources.arxiv.api import build_arxiv_request, parse_arxiv_response
from digest.sources.arxiv.oai import build_oai_request, parse_oai_response
from digest.sources.arxiv.rss import build_arxiv_rss_request, parse_arxiv_rss_response
from digest.sources.entries import Page
from digest.sources.feed import build_feed_request, parse_feed_response
from digest.sources.page import build_page_request, parse_page_response


@dataclass(frozen=True, slots=True)
class SourceKind:
    """`request(source, cursor, now)` asks for the first page, `parse(source, response)` reads any page.

    The cursor is the kind's own place in SourceState, kept from the last Page that had one. Both are pure; parse
    raises ParseError and nothing else.
    """

    build_request: Callable[[Source, Mapping[str, Any], datetime], Request]
    parse_response: Callable[[Source, Response], Page]


SOURCE_KINDS: Mapping[str, SourceKind] = {
    "feed": SourceKind(build_feed_request, parse_feed_response),
    "arxiv": SourceKind(build_arxiv_request, parse_arxiv_response),
    "arxiv-oai": SourceKind(build_oai_request, parse_oai_response),
    "arxiv-rss": SourceKind(build_arxiv_rss_request, parse_arxiv_rss_response),
    "page": SourceKind(build_page_request, parse_page_response),
}
