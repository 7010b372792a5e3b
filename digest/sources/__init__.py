"""Sources: what to ask a place for, and what its answer holds. Pure functions on bytes; fetching is done elsewhere."""

from digest.sources.article import parse_article
from digest.sources.arxiv.query import day_windows, ids_request, read_page, window_request
from digest.sources.discover import discover_feeds, usual_feeds
from digest.sources.feeds import parse_feed
from digest.sources.kinds import KINDS, Kind
from digest.sources.opml import Outline, parse_opml, write_opml
from digest.sources.sitemap import sitemap_dates

__all__ = [
    "KINDS",
    "Kind",
    "Outline",
    "day_windows",
    "discover_feeds",
    "ids_request",
    "parse_article",
    "parse_feed",
    "parse_opml",
    "read_page",
    "sitemap_dates",
    "usual_feeds",
    "window_request",
    "write_opml",
]
