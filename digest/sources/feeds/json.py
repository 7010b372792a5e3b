"""Parse JSON Feed 1.x (jsonfeed.org/version/1.1) and its common deviations: numeric ids, one author, no lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.errors import ParseError
from digest.sources.dates import parse_plausible_date
from digest.sources.entries import Entry, ParsedFeed
from digest.sources.feeds.elements import ensure_title
from digest.sources.sanitize import HtmlCleaner, clean_title, escape_plain_text, resolve_url


def parse_json_feed(text: bytes, base: str, now: datetime | None, max_entries: int, clean: HtmlCleaner) -> ParsedFeed:
    """Read a JSON Feed in UTF-8. Raises ParseError for other JSON or none."""
    try:
        document = json.loads(text, strict=False)  # line ends within texts are a common mistake
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not readable as JSON: {str(error)[:100]}") from error
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise ParseError("JSON, but not a JSON Feed: it has no list of items")
    raw = [item for item in document["items"] if isinstance(item, dict)]
    feed_authors = _parse_authors(document)
    feed = ParsedFeed(
        title=clean_title(_string_field(document, "title"), is_markup=False),
        link=resolve_url(_string_field(document, "home_page_url"), base),
        entries=[_parse_entry(item, base, now, feed_authors, clean) for item in raw[:max_entries]],
        next_page=resolve_url(_string_field(document, "next_url"), base) or None,
    )
    if len(raw) > max_entries:
        feed.warnings.append(f"{len(raw)} items; only the first {max_entries} were read")
    return feed


def _parse_entry(
    item: Mapping[str, Any], base: str, now: datetime | None, feed_authors: list[str], clean: HtmlCleaner
) -> Entry:
    guid, tags = _string_field(item, "id"), item.get("tags")
    urls = [resolve_url(_string_field(item, name), base) for name in ("url", "external_url")]
    published, flag = parse_plausible_date(_string_field(item, "date_published"), now)
    updated, updated_flag = parse_plausible_date(_string_field(item, "date_modified"), now)
    html = clean(_string_field(item, "content_html"), base)
    return ensure_title(
        Entry(
            guid=guid,
            url=urls[0] or urls[1] or (resolve_url(guid, "") if "://" in guid else ""),
            title=clean_title(_string_field(item, "title"), is_markup=False),
            summary=escape_plain_text(_string_field(item, "summary")),
            content=html or escape_plain_text(_string_field(item, "content_text")),
            authors=_parse_authors(item) or list(feed_authors),
            published=published or updated,
            updated=updated,
            categories=[tag for tag in tags if isinstance(tag, str)][:50] if isinstance(tags, list) else [],
            date_flag=flag or (updated_flag if not published else None),
        )
    )


def _parse_authors(holder: Mapping[str, Any]) -> list[str]:
    """Read `authors` (version 1.1) and `author` (version 1), each one person or a list."""
    given = [holder.get(name) for name in ("authors", "author")]
    people = [person for each in given for person in (each if isinstance(each, list) else [each])]
    given_names = (_string_field(p, "name") if isinstance(p, dict) else p for p in people)
    names = (clean_title(name, is_markup=False) for name in given_names if isinstance(name, str))
    return list(dict.fromkeys(name for name in names if name))


def _string_field(holder: Mapping[str, Any], name: str) -> str:
    """Return a text, or a number as a text: real feeds have numeric ids."""
    value = holder.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()
