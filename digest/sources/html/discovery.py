"""Discover a page's feeds: those it names, then common addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from digest.errors import ParseError
from digest.sources.html import parse_html
from digest.sources.sanitize import resolve_url
from digest.urls.canonical import build_match_url

_FEED_TYPES = re.compile(r"application/(?:rss\+xml|atom\+xml|feed\+json|rdf\+xml|json)|text/xml")
_FEED_HREF = re.compile(
    r"(?:/(?:feed|rss|atom)/?|(?:rss|atom|feed|index)\.xml|\.rss|\.atom|/feed\.json)(?:\?[^#]*)?$", re.I
)
_NOT_FEED_HREF = re.compile(r"oembed|wp-json", re.I)
# miniflux's list of paths that answer in practice.
_COMMON_PATHS = [
    "feed.xml",
    "rss.xml",
    "atom.xml",
    "index.xml",
    "feed/",
    "rss/",
    "rss/feed.xml",
    "index.rss",
    "feed.atom",
]


def discover_feeds(data: bytes, url: str, headers: Mapping[str, str] | None = None) -> list[str]:
    """List the feeds a page names: declared ones, then links whose address looks like a feed's."""
    root, base = _parse_page(data, url, headers)
    return _sort_feeds([*_find_declared_feeds(root, base), *_find_linked_feeds(root, base)])


def discover_own_feeds(data: bytes, url: str, headers: Mapping[str, str] | None = None) -> list[str]:
    """List the feeds that can replace the page: declared ones, then linked ones beneath its address."""
    root, base = _parse_page(data, url, headers)
    beneath = build_match_url(url).partition("?")[0].rstrip("/") + "/"
    linked = (address for address in _find_linked_feeds(root, base) if build_match_url(address).startswith(beneath))
    feeds = _sort_feeds([*_find_declared_feeds(root, base), *linked])
    return [address for address in feeds if not _is_comment_feed(address)]


def _parse_page(data: bytes, url: str, headers: Mapping[str, str] | None) -> tuple[Any, str]:
    try:
        return parse_html(data, url, headers or {})
    except ParseError:
        return etree.Element("html"), url


def _find_declared_feeds(root: Any, base: str) -> list[str]:
    links = (e for e in root.iter("link") if "alternate" in (e.get("rel") or "").lower().split())
    typed = (e for e in links if _FEED_TYPES.fullmatch((e.get("type") or "").split(";")[0].strip().lower()))
    return [resolve_url(href, base) for e in typed if not _NOT_FEED_HREF.search(href := (e.get("href") or ""))]


def _find_linked_feeds(root: Any, base: str) -> list[str]:
    return [resolve_url(href, base) for e in root.iter("a") if _FEED_HREF.search(href := (e.get("href") or ""))]


def _sort_feeds(addresses: list[str]) -> list[str]:
    return sorted(dict.fromkeys(filter(None, addresses)), key=_is_comment_feed)


def _is_comment_feed(address: str) -> bool:
    return "comment" in address.lower()


def guess_feed_urls(url: str) -> list[str]:
    """List addresses to try, without following redirects, beside the page and at the root."""
    folder = url if url.endswith("/") else url + "/"
    bases = (folder, resolve_url("/", url))
    return list(dict.fromkeys(resolve_url(path, base) for base in bases for path in _COMMON_PATHS))
