"""Parse HTML pages to lxml trees with the base address that a page may set."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree, html

from digest.errors import ParseError
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.sanitize import resolve_url

_CONTROL = re.compile(r"[\x00-\x1f]")
_MAX_OBJECTS = 10_000


def parse_html(data: bytes, url: str, headers: Mapping[str, str]) -> tuple[Any, str]:
    """Parse a page to its tree and the base of its relative links. Raises ParseError for an empty page."""
    text = transcode_to_utf8(data, headers)
    if not text.strip():
        raise ParseError("the page is empty", "the server may be failing; try again later")
    try:
        root = html.fromstring(text, parser=html.HTMLParser(encoding="utf-8", collect_ids=False))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise ParseError(f"not readable as HTML: {error}") from error
    stated = next((e.get("href") or "" for e in root.iter("base")), "")
    return root, resolve_url(stated, url) or url


def iterate_json_ld(root: Any) -> Iterator[dict[str, Any]]:
    """Iterate the objects of the page's JSON-LD, nested ones included, outer before inner."""
    for script in root.iter("script"):
        if (script.get("type") or "").lower() == "application/ld+json":
            yield from parse_json_ld(script.text or "")


def parse_json_ld(text: str) -> Iterator[dict[str, Any]]:
    """Iterate the objects of one piece of JSON-LD; none when it cannot be read."""
    try:
        waiting = deque([json.loads(_CONTROL.sub(" ", text))])
    except (ValueError, RecursionError):
        return
    for _ in range(_MAX_OBJECTS):
        if not waiting:
            return
        value = waiting.popleft()
        if isinstance(value, dict):
            yield value
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
