"""The page kind: a list of posts in HTML. A feed that the page names replaces it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.config.schema import Source
from digest.errors import ParseError
from digest.protocols import Request, Response
from digest.sources.entries import Page
from digest.sources.feed import parse_feed_response
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.html.discovery import discover_own_feeds
from digest.sources.html.sitemap import choose_sitemap, is_sitemap, is_sitemap_index, parse_sitemap, unpack_sitemap

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
    text = transcode_to_utf8(unpack_sitemap(response.body), response.headers)
    if _FEED_START.match(text[:4000]):
        page = parse_feed_response(source, response)
        if not page.entries:
            raise ParseError(f"{source.id}: its feed is empty", "check whether the feed has moved")
        return page
    if is_sitemap_index(text):
        child = choose_sitemap(text, response.url)
        if not child:
            raise ParseError(f"{source.id}: a sitemap index that names no sitemap of its site", "name one as url")
        return Page(next_request=Request(url=child, allow_private=source.allow_private))
    if is_sitemap(text):
        entries = parse_sitemap(text, response.url)[: source.max_items]
        if not entries:
            raise ParseError(f"{source.id}: its sitemap lists no page", "check whether it has moved")
        return Page(entries=entries)
    from digest.sources.html.listing import parse_listing  # BeautifulSoup takes long to import, and only pages need it

    entries = parse_listing(text, response.url, source.selectors)
    feeds = [] if _has_selectors(source) else discover_own_feeds(response.body, response.url, response.headers)
    if not entries and not feeds:
        raise _build_no_posts_error(source, text)
    return Page(
        entries=entries[: source.max_items],
        feed_request=Request(url=feeds[0], allow_private=source.allow_private) if feeds else None,
        cursor={"feed": ""},
        is_truncated=b"</html" not in text[-_TAIL_BYTES:].lower(),
    )


def _has_selectors(source: Source) -> bool:
    own = source.selectors
    return any((own.item, own.link, own.title, own.date, own.summary))


def _build_no_posts_error(source: Source, text: bytes) -> ParseError:
    if _EMPTY_SHELL.search(text) or (text.count(b"<script") > text.count(b"<a ") and len(text) > 500):
        problem = f"{source.id}: the page needs JavaScript to show its links"
        return ParseError(problem, "look for a feed or a sitemap.xml")
    hint = "the page may have changed: check the source's selectors"
    if not _has_selectors(source):
        hint = "set 'selectors' of the source"
    return ParseError(f"{source.id}: no links to posts on the page", hint)
