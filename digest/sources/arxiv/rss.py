"""arXiv's RSS: one day of announcements, asked for announcement dates only. OAI and the query API hold the truth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.errors import ParseError
from digest.ports import Found, Page, Request, Response, SourceLike
from digest.sources.arxiv.papers import abs_url, pdf_url, split_authors, split_id
from digest.sources.charset import to_utf8
from digest.sources.elements import read_feed
from digest.sources.xmltree import parse_xml
from digest.text import one_line

BASE = "https://rss.arxiv.org/rss"
_TYPE = "{http://arxiv.org/schemas/atom}announce_type"
_LEAD = re.compile(r"^arXiv:\S+\s+Announce Type:\s*[\w-]+\s*(?:Abstract:\s*)?", re.I)
_MOST = 20_000


def request(source: SourceLike, cursor: Mapping[str, Any], now: datetime) -> Request:
    """The day's announcements in all of the source's categories; `source.url` replaces the server and its path."""
    url = f"{(source.url or BASE).rstrip('/')}/{'+'.join(source.categories)}"
    return Request(url=url, deadline=90.0, allow_private=source.allow_private)


def parse(source: SourceLike, response: Response) -> Page:
    """Read the day; an empty one is a weekend or a holiday. Raises ParseError for a "Feed error" feed, too.

    `announced` is set for papers new to arXiv only: replacements and late cross-lists were announced before.
    """
    root = parse_xml(to_utf8(response.body, response.headers))
    feed = read_feed(root, response.url, None, _MOST)
    if feed.title.lower().startswith("feed error"):
        said = one_line("".join(root.itertext()))
        found = re.search(r"Bad [^.]*\.|Invalid [^.]*\.", said)
        raise ParseError(f"{source.id}: arXiv's RSS: {found[0] if found else feed.title}", "check its categories")
    elements = root.iter("{*}item", "{*}entry")
    papers = [_paper(item, element.findtext(_TYPE) or "") for item, element in zip(feed.items, elements, strict=False)]
    return Page(items=papers, skip_days=feed.skip_days, skip_hours=feed.skip_hours, ttl=feed.ttl)


def _paper(item: Found, announce_type: str) -> Found:
    arxiv_id, version = split_id(item.guid)
    if not arxiv_id:
        raise ParseError(f"arXiv's RSS holds an item whose id {item.guid!r} is no paper's")
    first = version == 1 and announce_type.strip() in ("new", "cross")
    item.announced = item.published if first else None
    item.published = item.updated = item.date_flag = None  # the day of the listing, or of building the feed
    item.guid, item.url = f"oai:arXiv.org:{arxiv_id}", abs_url(arxiv_id)
    item.arxiv_id, item.version = arxiv_id, version
    item.authors = split_authors(", ".join(item.authors))
    item.summary = _LEAD.sub("", item.summary)
    item.links["pdf"] = pdf_url(arxiv_id)
    return item
