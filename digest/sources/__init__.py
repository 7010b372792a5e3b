"""Registry of source kinds: how each builds its requests and reads its responses, as pure functions on bytes.

A new kind is a module, a line here and a fixture; or a SourceKind that another package declares in `digest.sources`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.config.schema import Source
from digest.errors import ConfigError
from digest.plugins import load_plugin
from digest.protocols import Request, Response
from digest.sources.arxiv.api import build_arxiv_request, parse_arxiv_response
from digest.sources.arxiv.oai import build_oai_request, parse_oai_response
from digest.sources.arxiv.rss import build_arxiv_rss_request, parse_arxiv_rss_response
from digest.sources.entries import Page
from digest.sources.feed import build_feed_request, parse_feed_response
from digest.sources.page import build_page_request, parse_page_response


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A way to ask for a source's first page and to read any page; `parse_response` raises only ParseError.

    The cursor is the kind's own entry in SourceState, stored from the last Page that had one.
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


def find_source_kind(name: str) -> SourceKind:
    """Return a built-in kind or a plug-in's. Raises ConfigError when the plug-in is broken."""
    if name in SOURCE_KINDS:
        return SOURCE_KINDS[name]
    kind = load_plugin("digest.sources", name)
    if not isinstance(kind, SourceKind):
        raise ConfigError(f"the plug-in {name!r} is no SourceKind", "see docs/plug-ins.md")
    return kind
