"""Parse broken feeds with feedparser, which reads what no XML parser accepts."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import feedparser

from digest.sources.dates import parse_plausible_date
from digest.sources.entries import Entry, ParsedFeed
from digest.sources.feeds.elements import ensure_title, parse_person_name
from digest.sources.sanitize import HtmlCleaner, clean_title, escape_plain_text, resolve_url

_MAX_BYTES = 1_000_000  # bytes; feedparser's time grows faster than the document


def parse_with_feedparser(
    text: bytes, base: str, now: datetime | None, max_entries: int, clean: HtmlCleaner
) -> ParsedFeed:
    """Read a UTF-8 feed that is not well-formed; return an empty feed when it cannot be read."""
    warnings = [] if len(text) <= _MAX_BYTES else [f"broken, and longer than {_MAX_BYTES} bytes: cut there"]
    try:
        # Always a stream: given a str or bytes, feedparser opens files and addresses of that name.
        feed = feedparser.parse(
            io.BytesIO(text[:_MAX_BYTES]),
            # No content-location: feedparser would make an address of a guid, which is not what the guid is tomorrow.
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
        )
    except Exception as error:  # feedparser has no error of its own: a broken document may raise anything
        return ParsedFeed(warnings=[*warnings, f"feedparser failed: {type(error).__name__}"])
    head = feed.feed
    return ParsedFeed(
        title=_parse_title(head),
        link=resolve_url(_string_field(head, "link"), base),
        entries=[_convert_entry(entry, base, now, clean) for entry in feed.entries[:max_entries]],
        warnings=warnings,
    )


def _convert_entry(entry: Any, base: str, now: datetime | None, clean: HtmlCleaner) -> Entry:
    published, flag = parse_plausible_date(_string_field(entry, "published") or _string_field(entry, "created"), now)
    updated, updated_flag = parse_plausible_date(_string_field(entry, "updated") if "updated" in entry else "", now)
    content = [_parse_body(part, base, clean) for part in _dict_fields(entry, "content")]
    terms = (_string_field(tag, "label") or _string_field(tag, "term") for tag in _dict_fields(entry, "tags"))
    converted = Entry(
        guid=_string_field(entry, "id"),
        url=_find_url(entry, base),
        title=_parse_title(entry),
        summary=_parse_body(_dict_fields(entry, "summary_detail")[0], base, clean),
        content=next((text for text in content if text), ""),
        authors=_parse_authors(entry),
        published=published or updated,
        updated=updated,
        categories=list(filter(None, terms))[:50],
        date_flag=flag or (updated_flag if not published else None),
    )
    if comments := resolve_url(_string_field(entry, "comments"), base):
        converted.links["discussion"] = comments
    return ensure_title(converted)


def _string_field(holder: Any, name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _dict_fields(holder: Any, name: str) -> list[Any]:
    """List the dicts under a name, at least an empty one: an unknown element of that name holds a text."""
    value = holder.get(name)
    parts = [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict)]
    return parts or [{}]


def _parse_title(holder: Any) -> str:
    return clean_title(_string_field(holder, "title"))


def _find_url(entry: Any, base: str) -> str:
    links = [_string_field(entry, "link"), *(_string_field(link, "href") for link in _dict_fields(entry, "links"))]
    guid = _string_field(entry, "id")  # feedparser takes any for a link, we only one that is a web address
    pages = (link for link in links if link != guid or "://" in link)
    candidates = [_string_field(entry, "feedburner_origlink"), *pages]
    return next((address for candidate in candidates if (address := resolve_url(candidate, base))), "")


def _parse_body(detail: Any, base: str, clean: HtmlCleaner) -> str:
    text, kind = _string_field(detail, "value"), _string_field(detail, "type")
    if kind == "text/plain":
        return escape_plain_text(text)
    return clean(text, resolve_url(_string_field(detail, "base"), base) or base)


def _parse_authors(entry: Any) -> list[str]:
    people = [_string_field(person, "name") for person in _dict_fields(entry, "authors")]
    names = map(parse_person_name, [*people, _string_field(entry, "author")][:50])
    return list(dict.fromkeys(filter(None, names)))
