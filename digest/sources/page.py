"""The page kind: a list of posts in HTML, where there is no feed. The page's own feed comes first when it names one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.config.schema import Source
from digest.errors import ParseError
from digest.ports import Found, Page, Request, Response
from digest.sources.charset import to_utf8
from digest.sources.discover import declared_feeds
from digest.sources.feeds import parse_feed
from digest.sources.markup import words_only
from digest.sources.sitemap import is_sitemap, read_sitemap

_FEED = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<\?[^>]*>\s*)*(?:<(?:rss|feed|rdf:RDF)\b|\{)", re.S)
_EMPTY_SHELL = re.compile(
    rb"""<div[^>]*\bid=["']?(?:root|app|__next|__nuxt|svelte)["']?[^>]*>\s*</div>|(?:enable|requires) javascript""",
    re.I,
)


def request(source: Source, cursor: Mapping[str, Any], now: datetime) -> Request:
    """The page's address, or the feed's that the page named; once a week the page again, should its feed have moved."""
    known = "" if _chosen(source) or now.toordinal() % 7 == 0 else str(cursor.get("feed") or "")
    accept = "text/html, application/xhtml+xml;q=0.9, application/xml;q=0.8, */*;q=0.5"
    return Request(url=known or source.url or "", headers={"accept": accept}, allow_private=source.allow_private)


def parse(source: Source, response: Response) -> Page:
    """Read a listing page, a sitemap, or the feed that the page named (which it asks for as `next`).

    Configured selectors switch the search for a feed off. Raises ParseError when no link to a post is found.
    """
    text = to_utf8(response.body, response.headers)
    if _FEED.match(text[:4000]):
        feed = parse_feed(response.body, url=response.url, headers=response.headers, clean=words_only)
        return Page(items=feed.items[: source.max_items], warnings=feed.warnings, ttl=feed.ttl)
    if is_sitemap(text):
        return Page(items=read_sitemap(text, response.url)[: source.max_items])
    if not _chosen(source) and (feeds := declared_feeds(response.body, response.url, response.headers)):
        following = Request(url=feeds[0], allow_private=source.allow_private)
        warning = f"read through the page's feed {feeds[0]}"
        return Page(next=following, warnings=[warning], cursor={"feed": feeds[0]})
    from digest.sources.listing import read_listing  # BeautifulSoup takes long to import, and only pages need it

    items = read_listing(text, response.url, source.selectors)
    if not items:
        raise _nothing(source, text)
    return Page(items=items[: source.max_items], cursor={"feed": ""})


def _chosen(source: Source) -> bool:
    return any(source.selectors.model_dump().values())


def _nothing(source: Source, text: bytes) -> ParseError:
    if _EMPTY_SHELL.search(text) or (text.count(b"<script") > text.count(b"<a ") and len(text) > 500):
        return ParseError(
            f"{source.id}: the page needs JavaScript to show its links", "look for a feed or a sitemap.xml"
        )
    hint = (
        "set 'selectors' of the source"
        if not _chosen(source)
        else "the page may have changed: check the source's selectors"
    )
    return ParseError(f"{source.id}: no links to posts on the page", hint)


def with_known_dates(items: list[Found], dates: Mapping[str, datetime]) -> list[Found]:
    """The items, those without a date given the one their address has in a sitemap."""
    for item in items:
        item.published = item.published or dates.get(item.url) or dates.get(item.url.rstrip("/"))
    return items
