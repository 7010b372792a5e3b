"""arXiv's RSS: one day of announcements, read for announcement dates; OAI and the query API are complete."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.config.schema import Source
from digest.errors import ParseError
from digest.protocols import Request, Response
from digest.sources.arxiv.common import build_abs_url, build_pdf_url, split_arxiv_authors, split_arxiv_id
from digest.sources.entries import Entry, Page
from digest.sources.feeds.elements import parse_feed_tree
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.feeds.xml import parse_xml
from digest.text import normalise_line

ARXIV_RSS_URL = "https://rss.arxiv.org/rss"
_ANNOUNCE_TYPE_TAG = "{http://arxiv.org/schemas/atom}announce_type"
_ABSTRACT_PREFIX = re.compile(r"^arXiv:\S+\s+Announce Type:\s*[\w-]+\s*(?:Abstract:\s*)?", re.I)
_MAX_ENTRIES = 20_000


def build_arxiv_rss_request(source: Source, cursor: Mapping[str, Any], now: datetime) -> Request:
    """Ask for the day's announcements in all categories; `source.url` replaces the server and its path."""
    url = f"{(source.url or ARXIV_RSS_URL).rstrip('/')}/{'+'.join(source.categories)}"
    return Request(url=url, deadline=90.0, allow_private=source.allow_private)


def parse_arxiv_rss_response(source: Source, response: Response) -> Page:
    """Read the day; an empty one is a weekend or a holiday. Raises ParseError for a "Feed error" feed, too.

    `announced` is set for papers new to arXiv only: replacements and late cross-lists were announced before.
    """
    root = parse_xml(transcode_to_utf8(response.body, response.headers))
    feed = parse_feed_tree(root, response.url, None, _MAX_ENTRIES)
    if feed.title.lower().startswith("feed error"):
        text = normalise_line("".join(root.itertext()))
        reason = re.search(r"Bad [^.]*\.|Invalid [^.]*\.", text)
        raise ParseError(f"{source.id}: arXiv's RSS: {reason[0] if reason else feed.title}", "check its categories")
    elements = root.iter("{*}item", "{*}entry")
    papers = [
        _convert_announcement(item, element.findtext(_ANNOUNCE_TYPE_TAG) or "")
        for item, element in zip(feed.entries, elements, strict=False)
    ]
    return Page(entries=papers, skip_days=feed.skip_days, skip_hours=feed.skip_hours, ttl=feed.ttl)


def _convert_announcement(entry: Entry, announce_type: str) -> Entry:
    arxiv_id, version = split_arxiv_id(entry.guid)
    if not arxiv_id:
        raise ParseError(f"arXiv's RSS holds an item whose id {entry.guid!r} is not a paper's")
    first = version == 1 and announce_type.strip() in ("new", "cross")
    entry.announced = entry.published if first else None
    entry.published = entry.updated = entry.date_flag = None  # the day of the listing, or of building the feed
    entry.guid, entry.url = f"oai:arXiv.org:{arxiv_id}", build_abs_url(arxiv_id)
    entry.arxiv_id, entry.version = arxiv_id, version
    entry.authors = split_arxiv_authors(", ".join(entry.authors))
    entry.summary = _ABSTRACT_PREFIX.sub("", entry.summary)
    entry.links["pdf"] = build_pdf_url(arxiv_id)
    return entry
