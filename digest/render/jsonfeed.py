"""A feed as JSON Feed 1.1; ids, dates and content are those of the Atom feed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from digest.render.atom import format_rfc3339

if TYPE_CHECKING:
    from digest.render.feeds import Feed, FeedEntry


def render_json_feed(feed: Feed) -> bytes:
    """The document, UTF-8 (https://www.jsonfeed.org/version/1.1/)."""
    newsletter = feed.newsletter
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": f"{newsletter.address}{feed.page}",
        "feed_url": f"{newsletter.address}/{feed.path}",
        "description": newsletter.description,
        "language": newsletter.language,
        "authors": [{"name": newsletter.author or newsletter.title, "url": f"{newsletter.address}/"}],
        "items": [_build_json_item(entry) for entry in feed.entries],
    }
    kept = {name: value for name, value in document.items() if value != ""}
    return (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode()


def _build_json_item(entry: FeedEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "summary": entry.summary,
        "content_html": entry.content,
        "date_published": format_rfc3339(entry.published),
        "date_modified": format_rfc3339(entry.updated),
        "tags": [title for _, title in entry.categories],
    }
