"""The page kind: a list of posts in HTML. A feed that the page names replaces it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from digest.config.schema import Source
from digest.errors import ParseError
from digest.protocols import Request, Response
from digest.sources.entries import Page
from digest.sources.feed import parse_feed_response
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.html.discovery import discover_own_feeds
from digest.sources.html.sitemap import is_sitemap, parse_sitemap

_FEED_START = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<\?[^>]*>\s*)*(?:<(?:rss|feed|rdf:RDF)\b|\{)", re.S)
_TAIL_BYTES = 2_000  # bytes at the end of a page that came whole
_EMPTY_SHELL = re.compile(
    rb"""<div[^>]*\bid=["']?(?:root|app|__next|__nuxt|svelte)["']?[^>]*>\s*</div>|(?:enable|requires) javascript""",
    re.I,
)


def build_page_request(source: Source, cursor: Mapping[str, Any], now: datetime) -> Request:
    """Ask for the page, or the feed it named; once a week for the page again, in case its feed moved."""
    feed_url = "" if _has_selectors(source) or now.toordinal() % 7 == 0 else str(cursor.get("feed") or "")
    accept = "text/html, application/xhtml+xml;q=0.9, application/xml;q=0.8, */*;q=0.5"
    return Request(url=feed_url or source.url or "", headers={"accept": accept}, allow_private=source.allow_private)


def parse_page_response(source: Source, response: Response) -> Page:
    """Read a listing page, a sitemap, or the page's own feed; `feed_request` asks for a feed the page names.

    Configured selectors switch the search for a feed off. Raises ParseError when no post is found.
    """
    text = transcode_to_utf8(response.body, response.headers)
    if _FEED_START.match(text[:4000]):
        page = parse_feed_response(source, response)
        return (
            page if page.entries else _raise_parse_error(source, "its feed is empty", "look whether the feed has moved")
        )
    if is_sitemap(text):
        items = parse_sitemap(text, response.url)[: source.max_items]
        return (
            Page(entries=items)
            if items
            else _raise_parse_error(source, "its sitemap names no page", "look whether it has moved")
        )
    from digest.sources.html.listing import parse_listing  # BeautifulSoup takes long to import, and only pages need it

    items = parse_listing(text, response.url, source.selectors)
    own = None if _has_selectors(source) else _build_own_feed_request(source, response)
    if not items and own is None:
        raise _build_no_posts_error(source, text)
    is_complete = b"</html" in text[-_TAIL_BYTES:].lower()
    return Page(entries=items[: source.max_items], feed_request=own, cursor={"feed": ""}, is_truncated=not is_complete)


def _raise_parse_error(source: Source, problem: str, hint: str) -> NoReturn:
    raise ParseError(f"{source.id}: {problem}", hint)


def _build_own_feed_request(source: Source, response: Response) -> Request | None:
    feeds = discover_own_feeds(response.body, response.url, response.headers)
    return Request(url=feeds[0], allow_private=source.allow_private) if feeds else None


def _has_selectors(source: Source) -> bool:
    own = source.selectors
    return any((own.item, own.link, own.title, own.date, own.summary))


def _build_no_posts_error(source: Source, text: bytes) -> ParseError:
    if _EMPTY_SHELL.search(text) or (text.count(b"<script") > text.count(b"<a ") and len(text) > 500):
        return ParseError(
            f"{source.id}: the page needs JavaScript to show its links", "look for a feed or a sitemap.xml"
        )
    hint = (
        "set 'selectors' of the source"
        if not _has_selectors(source)
        else "the page may have changed: check the source's selectors"
    )
    return ParseError(f"{source.id}: no links to posts on the page", hint)
