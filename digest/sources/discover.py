"""Where a page's feeds are: what it says itself, then the addresses feeds usually have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from digest.errors import ParseError
from digest.sources.htmltree import parse_html
from digest.sources.markup import absolute
from digest.urls import match_form

_TYPES = (
    "application/rss+xml",
    "application/atom+xml",
    "application/feed+json",
    "application/rdf+xml",
    "text/xml",
    "application/json",
)
_HREF = re.compile(r"(?:/(?:feed|rss|atom)/?|(?:rss|atom|feed|index)\.xml|\.rss|\.atom|/feed\.json)(?:\?[^#]*)?$", re.I)
_NO_FEED = re.compile(r"oembed|wp-json", re.I)
# miniflux's list of paths that answer in practice.
_USUAL = ("feed.xml", "rss.xml", "atom.xml", "index.xml", "feed/", "rss/", "rss/feed.xml", "index.rss", "feed.atom")


def discover_feeds(data: bytes, url: str, headers: Mapping[str, str] | None = None) -> list[str]:
    """The feeds a page names, best first: declared ones, then links whose address looks like a feed's."""
    root, base = _page(data, url, headers)
    return _sorted([*_declared(root, base), *_linked(root, base)])


def own_feeds(data: bytes, url: str, headers: Mapping[str, str] | None = None) -> list[str]:
    """The feeds that stand for the page: declared ones, then linked ones beneath it; those above hold other things."""
    root, base = _page(data, url, headers)
    beneath = match_form(url).partition("?")[0].rstrip("/") + "/"
    linked = (address for address in _linked(root, base) if match_form(address).startswith(beneath))
    return [address for address in _sorted([*_declared(root, base), *linked]) if not _is_of_comments(address)]


def _page(data: bytes, url: str, headers: Mapping[str, str] | None) -> tuple[Any, str]:
    try:
        return parse_html(data, url, headers or {})
    except ParseError:
        return etree.Element("html"), url


def _declared(root: Any, base: str) -> list[str]:
    links = (e for e in root.iter("link") if "alternate" in (e.get("rel") or "").lower().split())
    typed = (e for e in links if (e.get("type") or "").split(";")[0].strip().lower() in _TYPES)
    return [absolute(href, base) for e in typed if not _NO_FEED.search(href := (e.get("href") or ""))]


def _linked(root: Any, base: str) -> list[str]:
    return [absolute(href, base) for e in root.iter("a") if _HREF.search(href := (e.get("href") or ""))]


def _sorted(addresses: list[str]) -> list[str]:
    return sorted(dict.fromkeys(filter(None, addresses)), key=_is_of_comments)


def _is_of_comments(address: str) -> bool:
    return "comment" in address.lower()


def usual_feeds(url: str) -> list[str]:
    """Addresses to try, without following redirects, when a page names no feed: beside it, then at the root."""
    here = url if url.endswith("/") else url + "/"
    return list(dict.fromkeys(absolute(path, base) for base in (here, absolute("/", url)) for path in _USUAL))
