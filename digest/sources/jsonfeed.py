"""JSON Feed 1.x (jsonfeed.org/version/1.1) with the liberties real ones take: numeric ids, one author, no lists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.errors import ParseError
from digest.ports import Found, ParsedFeed
from digest.sources.dates import believed
from digest.sources.elements import named
from digest.sources.markup import Cleaning, absolute, plain_as_html, title_text


def parse_json_feed(text: bytes, base: str, now: datetime | None, most: int, clean: Cleaning) -> ParsedFeed:
    """Read a JSON Feed given as UTF-8; raises ParseError when it is other JSON or none."""
    try:
        document = json.loads(text, strict=False)  # line ends within texts are a common slip
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not readable as JSON: {str(error)[:100]}") from error
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise ParseError("JSON, but not a JSON Feed: it has no list of items")
    raw = [item for item in document["items"] if isinstance(item, dict)]
    everyone = _authors(document)
    feed = ParsedFeed(
        title=title_text(_string(document, "title"), markup=False),
        link=absolute(_string(document, "home_page_url"), base),
        items=[_item(item, base, now, everyone, clean) for item in raw[:most]],
        next_page=absolute(_string(document, "next_url"), base) or None,
    )
    if len(raw) > most:
        feed.warnings.append(f"{len(raw)} items; only the first {most} were read")
    return feed


def _item(item: Mapping[str, Any], base: str, now: datetime | None, everyone: list[str], clean: Cleaning) -> Found:
    guid = _string(item, "id")
    published, flag = believed(_string(item, "date_published"), now)
    updated, updated_flag = believed(_string(item, "date_modified"), now)
    html = clean(_string(item, "content_html"), base)
    return named(
        Found(
            guid=guid,
            url=_address(item, guid, base),
            title=title_text(_string(item, "title"), markup=False),
            summary=plain_as_html(_string(item, "summary")),
            content=html or plain_as_html(_string(item, "content_text")),
            authors=_authors(item) or list(everyone),
            published=published or updated,
            updated=updated,
            categories=[tag for tag in _list(item, "tags") if isinstance(tag, str)][:50],
            date_flag=flag or (updated_flag if not published else None),
        )
    )


def _address(item: Mapping[str, Any], guid: str, base: str) -> str:
    own = (absolute(_string(item, name), base) for name in ("url", "external_url"))
    return next((address for address in own if address), "") or (absolute(guid, "") if "://" in guid else "")


def _authors(holder: Mapping[str, Any]) -> list[str]:
    """Version 1.1 has `authors`, version 1 had `author`; either name is taken with one person or a list of them."""
    given = [holder.get(name) for name in ("authors", "author")]
    people = [person for each in given for person in (each if isinstance(each, list) else [each])]
    said = (_string(p, "name") if isinstance(p, dict) else p for p in people)
    names = (title_text(name, markup=False) for name in said if isinstance(name, str))
    return list(dict.fromkeys(name for name in names if name))


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []


def _string(holder: Mapping[str, Any], name: str) -> str:
    """A text, or a number as a text: ids are numbers in the wild."""
    value = holder.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()
