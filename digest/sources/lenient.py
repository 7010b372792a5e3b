"""Broken feeds through feedparser: slow, but it reads what no XML parser will."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import feedparser

from digest.ports import Found, ParsedFeed
from digest.sources.dates import believed
from digest.sources.elements import named, person_name
from digest.sources.markup import Cleaning, absolute, plain_as_html, title_text

_LARGEST = 1_000_000  # bytes; feedparser's time grows faster than the document


def read_leniently(text: bytes, base: str, now: datetime | None, most: int, clean: Cleaning) -> ParsedFeed:
    """Read a UTF-8 feed that is not well-formed; an empty feed when nothing can be made of it."""
    warnings = [] if len(text) <= _LARGEST else [f"broken, and longer than {_LARGEST} bytes: cut there"]
    try:
        # Always a stream: given a str or bytes, feedparser opens files and addresses of that name.
        feed = feedparser.parse(
            io.BytesIO(text[:_LARGEST]),
            # No content-location: feedparser would make an address of a guid, which is not what the guid is tomorrow.
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
        )
    except Exception as error:  # feedparser has no error of its own: a broken document may raise anything
        return ParsedFeed(warnings=[*warnings, f"feedparser gave up: {type(error).__name__}"])
    head = feed.feed
    return ParsedFeed(
        title=_title(head),
        link=absolute(_text(head, "link"), base),
        items=[_item(entry, base, now, clean) for entry in feed.entries[:most]],
        warnings=warnings,
    )


def _item(entry: Any, base: str, now: datetime | None, clean: Cleaning) -> Found:
    published, flag = believed(_text(entry, "published") or _text(entry, "created"), now)
    updated, updated_flag = believed(_text(entry, "updated") if "updated" in entry else "", now)
    content = [_body(part, base, clean) for part in _parts(entry, "content")]
    found = Found(
        guid=_text(entry, "id"),
        url=_address(entry, base),
        title=_title(entry),
        summary=_body(_parts(entry, "summary_detail")[0], base, clean),
        content=next((text for text in content if text), ""),
        authors=_authors(entry),
        published=published or updated,
        updated=updated,
        categories=[term for tag in _parts(entry, "tags") if (term := _text(tag, "label") or _text(tag, "term"))][:50],
        date_flag=flag or (updated_flag if not published else None),
    )
    if comments := absolute(_text(entry, "comments"), base):
        found.links["discussion"] = comments
    return named(found)


def _text(holder: Any, name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _parts(holder: Any, name: str) -> list[Any]:
    """The dicts under a name, one empty one at least: an unknown element of that name puts a text there."""
    value = holder.get(name)
    found = [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict)]
    return found or [{}]


def _title(holder: Any) -> str:
    return title_text(_text(holder, "title"))


def _address(entry: Any, base: str) -> str:
    links = [_text(entry, "link"), *(_text(link, "href") for link in _parts(entry, "links"))]
    guid = _text(entry, "id")  # feedparser takes any for a link, we only one that is a web address
    candidates = [_text(entry, "feedburner_origlink"), *(link for link in links if link != guid or "://" in link)]
    return next((address for one in candidates if (address := absolute(one, base))), "")


def _body(detail: Any, base: str, clean: Cleaning) -> str:
    text, kind = _text(detail, "value"), _text(detail, "type")
    return plain_as_html(text) if kind == "text/plain" else clean(text, absolute(_text(detail, "base"), base) or base)


def _authors(entry: Any) -> list[str]:
    people = [*(_text(person, "name") for person in _parts(entry, "authors")), _text(entry, "author")][:50]
    return list(dict.fromkeys(name for person in people if (name := person_name(person))))
