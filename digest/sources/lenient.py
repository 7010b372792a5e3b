"""Broken feeds through feedparser: slow, but it reads what no XML parser will."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import feedparser

from digest.ports import Found, ParsedFeed
from digest.sources.dates import believed
from digest.sources.elements import named, person_name
from digest.sources.markup import absolute, clean_html, plain_as_html, title_text

_LARGEST = 2_000_000  # bytes; feedparser's time grows faster than the document


def read_leniently(text: bytes, base: str, now: datetime | None, most: int) -> ParsedFeed:
    """Read a UTF-8 feed that is not well-formed; an empty feed when nothing can be made of it."""
    warnings = [] if len(text) <= _LARGEST else [f"broken, and longer than {_LARGEST} bytes: cut there"]
    try:
        # Always a stream: given a str or bytes, feedparser opens files and addresses of that name.
        feed = feedparser.parse(
            io.BytesIO(text[:_LARGEST]),
            response_headers={"content-type": "application/xml; charset=utf-8", "content-location": base},
            sanitize_html=False,
        )
    except Exception as error:  # feedparser has no error of its own: a broken document may raise anything
        return ParsedFeed(warnings=[*warnings, f"feedparser gave up: {type(error).__name__}"])
    head = feed.feed
    return ParsedFeed(
        title=_title(head),
        link=absolute(_text(head, "link"), base),
        items=[_item(entry, base, now) for entry in feed.entries[:most]],
        warnings=warnings,
    )


def _item(entry: Any, base: str, now: datetime | None) -> Found:
    published, flag = believed(_text(entry, "published") or _text(entry, "created"), now)
    updated, updated_flag = believed(_text(entry, "updated") if "updated" in entry else "", now)
    content = [_body(part, base) for part in entry.get("content", ())]
    found = Found(
        guid=_text(entry, "id"),
        url=_address(entry, base),
        title=_title(entry),
        summary=_body(entry.get("summary_detail") or {}, base),
        content=next((text for text in content if text), ""),
        authors=_authors(entry),
        published=published or updated,
        updated=updated,
        categories=[term for tag in entry.get("tags", ()) if (term := tag.get("label") or tag.get("term"))][:50],
        date_flag=flag or (updated_flag if not published else None),
    )
    if comments := absolute(_text(entry, "comments"), base):
        found.links["discussion"] = comments
    return named(found)


def _text(holder: Any, name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _title(holder: Any) -> str:
    detail = holder.get("title_detail") or {}
    return title_text(_text(holder, "title"), markup="html" in detail.get("type", "html"))


def _address(entry: Any, base: str) -> str:
    candidates = [_text(entry, "link"), *(link.get("href", "") for link in entry.get("links", ()))]
    return next((address for one in candidates if (address := absolute(one, base))), "")


def _body(detail: Any, base: str) -> str:
    text = detail.get("value") or ""
    return plain_as_html(text) if detail.get("type") == "text/plain" else clean_html(text, detail.get("base") or base)


def _authors(entry: Any) -> list[str]:
    people = [person.get("name") or "" for person in entry.get("authors", ())] or [_text(entry, "author")]
    return list(dict.fromkeys(name for person in people if (name := person_name(person))))
