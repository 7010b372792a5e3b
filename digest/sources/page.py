"""The page kind: a list of posts in HTML, where there is no feed. The page's own feed comes first when it names one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from digest.errors import ParseError
from digest.ports import Page, Request, Response, SourceLike
from digest.sources import feed
from digest.sources.charset import to_utf8
from digest.sources.discover import own_feeds
from digest.sources.sitemap import is_sitemap, read_sitemap

_FEED = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<\?[^>]*>\s*)*(?:<(?:rss|feed|rdf:RDF)\b|\{)", re.S)
_TAIL = 2_000  # bytes at the end of a page that came whole
_EMPTY_SHELL = re.compile(
    rb"""<div[^>]*\bid=["']?(?:root|app|__next|__nuxt|svelte)["']?[^>]*>\s*</div>|(?:enable|requires) javascript""",
    re.I,
)


def request(source: SourceLike, cursor: Mapping[str, Any], now: datetime) -> Request:
    """The page's address, or the feed's that the page named; once a week the page again, should its feed have moved."""
    known = "" if _chosen(source) or now.toordinal() % 7 == 0 else str(cursor.get("feed") or "")
    accept = "text/html, application/xhtml+xml;q=0.9, application/xml;q=0.8, */*;q=0.5"
    return Request(url=known or source.url or "", headers={"accept": accept}, allow_private=source.allow_private)


def parse(source: SourceLike, response: Response) -> Page:
    """Read a listing page, a sitemap, or the page's own feed; `feed` asks for one that the page names.

    Configured selectors switch the search for a feed off. Raises ParseError when no post is found.
    """
    text = to_utf8(response.body, response.headers)
    if _FEED.match(text[:4000]):
        page = feed.parse(source, response)
        return page if page.items else _refuse(source, "its feed is empty", "look whether the feed has moved")
    if is_sitemap(text):
        items = read_sitemap(text, response.url)[: source.max_items]
        return Page(items=items) if items else _refuse(source, "its sitemap names no page", "look whether it has moved")
    from digest.sources.listing import read_listing  # BeautifulSoup takes long to import, and only pages need it

    items = read_listing(text, response.url, source.selectors)
    own = None if _chosen(source) else _own_feed(source, response)
    if not items and own is None:
        raise _nothing(source, text)
    whole = b"</html" in text[-_TAIL:].lower()
    return Page(items=items[: source.max_items], feed=own, cursor={"feed": ""}, cut=not whole)


def _refuse(source: SourceLike, words: str, hint: str) -> NoReturn:
    raise ParseError(f"{source.id}: {words}", hint)


def _own_feed(source: SourceLike, response: Response) -> Request | None:
    feeds = own_feeds(response.body, response.url, response.headers)
    return Request(url=feeds[0], allow_private=source.allow_private) if feeds else None


def _chosen(source: SourceLike) -> bool:
    own = source.selectors
    return any((own.item, own.link, own.title, own.date, own.summary))


def _nothing(source: SourceLike, text: bytes) -> ParseError:
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
