"""Read sitemaps (sitemaps.org/protocol.html), whose dates serve pages that give none."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from digest.errors import ParseError
from digest.sources.dates import parse_plausible_date
from digest.sources.entries import Entry
from digest.sources.feeds.xml import parse_xml
from digest.sources.sanitize import resolve_url

_MIN_BUILD_PAGES = 5  # pages of one day; fewer may well have been written on it
_INDEX_TAG = re.compile(rb"<(?:[\w-]+:)?sitemapindex[\s>]")
_POSTS_SITEMAP = re.compile(r"post|blog|news|article", re.I)
_OTHER_SITEMAP = re.compile(r"categor|tag|author|page-|image|video|taxonom", re.I)
_MAX_UNPACKED_BYTES = 50_000_000  # sitemaps.org: 50 MB
_URLSET_TAG = re.compile(rb"<(?:[\w-]+:)?urlset[\s>]")


def is_sitemap(text: bytes) -> bool:
    """Whether this is a UTF-8 sitemap of pages; an index of sitemaps is not."""
    return bool(_URLSET_TAG.search(text[:4000]))


def is_sitemap_index(text: bytes) -> bool:
    """Whether this is a UTF-8 list of sitemaps."""
    return bool(_INDEX_TAG.search(text[:4000]))


def choose_sitemap(text: bytes, url: str) -> str:
    """Choose the newest sitemap of posts that an index names on its own site; "" when there is none."""
    host = urlsplit(url).hostname
    candidates = []
    for position, element in enumerate(parse_xml(text).iter("{*}sitemap")):
        address = resolve_url(_find_child_text(element, "loc"), url)
        if not address or urlsplit(address).hostname != host or address == url:
            continue
        moment, _ = parse_plausible_date(_find_child_text(element, "lastmod"))
        is_posts = bool(_POSTS_SITEMAP.search(address)) - bool(_OTHER_SITEMAP.search(address))
        candidates.append((is_posts, moment.timestamp() if moment else 0, -position, address))
    return max(candidates, default=(0, 0, 0, ""))[-1]


def unpack_sitemap(body: bytes) -> bytes:
    """Decompress a .gz file within a limit; return other bytes unchanged. Raises ParseError for a broken file."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(31).decompress(body, _MAX_UNPACKED_BYTES)
    except zlib.error as error:
        raise ParseError(f"the compressed sitemap is broken: {error}") from error


def parse_sitemap(text: bytes, url: str) -> list[Entry]:
    """Read the pages of the sitemap's own site, newest first, with titles made from their addresses."""
    host = urlsplit(url).hostname
    entries: dict[str, Entry] = {}
    for element in parse_xml(text).iter("{*}url"):
        address = resolve_url(_find_child_text(element, "loc"), url)
        if not address or urlsplit(address).hostname != host:
            continue
        moment, flag = parse_plausible_date(_find_child_text(element, "lastmod"))
        entry = entries.setdefault(address, Entry(guid=address, url=address, title=_build_title_from_url(address)))
        entry.published, entry.date_flag = entry.published or moment, entry.date_flag or flag
    return sorted(entries.values(), key=lambda item: item.published.timestamp() if item.published else 0, reverse=True)


def parse_sitemap_dates(text: bytes, url: str) -> dict[str, datetime]:
    """Map each page to the day it last changed. Raises ParseError for anything but a sitemap of pages.

    A day that most pages share is the day the site was built, and says nothing. Raises ParseError for what is none.
    """
    if not is_sitemap(text):
        raise ParseError(f"{url} is not a sitemap of pages")
    dates = {item.url: item.published for item in parse_sitemap(text, url) if item.published}
    days = Counter(moment.date() for moment in dates.values())
    built = {day for day, pages in days.items() if pages >= _MIN_BUILD_PAGES and pages * 2 > len(dates)}
    return {address: moment for address, moment in dates.items() if moment.date() not in built}


def _find_child_text(element: Any, name: str) -> str:
    child = element.find(f"{{*}}{name}")
    return "" if child is None else (child.text or "").strip()


def _build_title_from_url(address: str) -> str:
    """Build "Claude opus 5" from /news/claude-opus-5."""
    last = unquote(urlsplit(address).path).rstrip("/").rpartition("/")[2]
    title = re.sub(r"\.\w{2,5}$", "", last).replace("-", " ").replace("_", " ").strip()
    return title[:1].upper() + title[1:] or address
