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
class Kind:
    """`request(source, cursor, now)` asks for the first page, `parse(source, response)` reads any page.

    The cursor is the kind's own place in SourceState, kept from the last Page that had one. Both are pure; parse
    raises ParseError and nothing else.
    """

    request: Callable[[SourceLike, Mapping[str, Any], datetime], Request]
    parse: Callable[[SourceLike, Response], Page]


KINDS: Mapping[str, Kind] = {
    "feed": Kind(feed.request, feed.parse),
    "arxiv": Kind(query.request, query.parse),
    "arxiv-oai": Kind(oai.request, oai.parse),
    "arxiv-rss": Kind(rss.request, rss.parse),
    "page": Kind(page.request, page.parse),
}
