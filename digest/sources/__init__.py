"""Sources: what to ask a place for, and what its answer holds. Pure functions on bytes; fetching is done elsewhere."""

from digest.sources.article import parse_article
from digest.sources.arxiv.query import build_ids_request, build_window_request, iterate_day_windows, parse_arxiv_page
from digest.sources.discover import discover_feeds, guess_feed_urls
from digest.sources.feeds import parse_feed
from digest.sources.kinds import SOURCE_KINDS, SourceKind
from digest.sources.opml import Outline, parse_opml, write_opml
from digest.sources.sitemap import parse_sitemap_dates

__all__ = [
    "SOURCE_KINDS",
    "Outline",
    "SourceKind",
    "build_ids_request",
    "build_window_request",
    "discover_feeds",
    "guess_feed_urls",
    "iterate_day_windows",
    "parse_article",
    "parse_arxiv_page",
    "parse_feed",
    "parse_opml",
    "parse_sitemap_dates",
    "write_opml",
]
