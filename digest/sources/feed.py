"""The feed kind: one request for one document, with its polling hints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.config.schema import Source
from digest.errors import ParseError
from digest.protocols import Request, Response
from digest.sources.entries import Page
from digest.sources.feeds import parse_feed
from digest.sources.html.discovery import discover_feeds
from digest.sources.outbound import LinkCollector
from digest.urls.canonical import extract_site

_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, "
    "application/json;q=0.8, text/xml;q=0.8, */*;q=0.5"
)


def build_feed_request(source: Source, cursor: Mapping[str, Any], now: datetime) -> Request:
    """Ask for the feed."""
    return Request(url=source.url or "", headers={"accept": _ACCEPT}, allow_private=source.allow_private)


def parse_feed_response(source: Source, response: Response) -> Page:
    """Read at most `source.max_items` entries. Raises ParseError, naming the feeds an HTML page offers."""
    collector = LinkCollector()
    try:
        feed = parse_feed(response.body, url=response.url, headers=response.headers, clean=collector)
    except ParseError as error:
        offered = discover_feeds(response.body, response.url, response.headers)
        hint = f"the page offers {offered[0]}" if offered else error.hint
        raise ParseError(f"{source.id}: {error.message}", hint) from error
    if len(feed.entries) > source.max_items:
        feed.warnings.append(f"{len(feed.entries)} items, only {source.max_items} taken (max_items)")
    own_sites = {extract_site(address) for address in (feed.link, response.url, source.url or "")}
    for entry in feed.entries[: source.max_items]:
        entry.outbound_links = collector.find_links(entry)
        site = extract_site(entry.url)
        # A feed that does not say its own site still does not publish arXiv's papers.
        entry.points_elsewhere = bool(site) and site not in own_sites and bool(feed.link or site == "arxiv.org")
    return Page(
        entries=feed.entries[: source.max_items],
        older_request=_build_older_request(source, response.url, feed.next_page),
        warnings=feed.warnings,
        ttl=feed.ttl,
        skip_hours=feed.skip_hours,
        skip_days=feed.skip_days,
        is_truncated=feed.is_truncated,
    )


def _build_older_request(source: Source, url: str, page: str | None) -> Request | None:
    """Ask for the feed's older page on the same site (RFC 5005, JSON Feed's next_url)."""
    if not page or page == url or extract_site(page) != extract_site(url):
        return None
    return Request(url=page, headers={"accept": _ACCEPT}, allow_private=source.allow_private)
