"""A feed document of any kind to a ParsedFeed: strict XML first, then what mending and forgiving parsers can save.

The fast way is our own reading of an lxml tree. fastfeedparser is as fast, but loses authors after the first, dates it
can't read, xml:base and the type of Atom texts; feedparser has them and is eighty times slower: it gets what is broken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from digest.errors import ParseError
from digest.ports import ParsedFeed
from digest.sources.charset import to_utf8
from digest.sources.elements import read_feed
from digest.sources.jsonfeed import parse_json_feed
from digest.sources.markup import Cleaning, absolute, clean_html
from digest.sources.xmltree import parse_xml

MOST_ITEMS = 20_000  # in one document; a warning says when more were there
_QUICK = 300_000  # bytes that feedparser reads in a second or two whatever they are
_ITEM = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s>/]", re.I)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel)[\s>]", re.I)
_END = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*>", re.I)
_TAIL = 2_000  # bytes in which a whole document closes its root; servers append comments and scripts
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.I | re.S)


def parse_feed(
    data: bytes,
    *,
    url: str,
    headers: Mapping[str, str],
    now: datetime | None = None,
    most: int = MOST_ITEMS,
    clean: Cleaning = clean_html,
) -> ParsedFeed:
    """Read RSS 0.9x-2.0, RSS 1.0, Atom 0.3/1.0 or JSON Feed 1.x, as served from the final `url` with `headers`.

    Texts are sanitised HTML or plain, as `clean` makes them; addresses are absolute, dates aware UTC within 1990 ..
    `now` + 1 day or flagged. Survivable faults are warnings; raises ParseError when the document is no feed at all.
    """
    base = absolute(next((v for k, v in headers.items() if k.lower() == "content-location"), ""), url) or url
    text = to_utf8(data, headers)
    if not text.strip():
        raise ParseError("the document is empty", "the server may be failing; try again later")
    if text.lstrip()[:1] in (b"{", b"["):
        return parse_json_feed(text, base, now, most, clean)
    if _HTML.match(text[:4000]) and not _ROOT.search(text[:4000]):
        raise ParseError("an HTML page, not a feed", "use the page's feed address, or kind: page")
    return _read_xml(text, base, now, most, clean)


def _read_xml(text: bytes, base: str, now: datetime | None, most: int, clean: Cleaning) -> ParsedFeed:
    try:
        strict = read_feed(parse_xml(text, base=base), base, now, most, clean)
    except ParseError as error:
        best = max(_forgiving(text, base, now, most, clean), key=_worth)
        if not best.items and not best.title:
            raise ParseError(f"not a feed ({error.message})", "check the address in a browser") from error
        best.warnings.insert(0, error.message)
        best.cut = not _END.search(text[-_TAIL:])
        return best
    if strict.items or not _ITEM.search(text):  # nothing that another parser could find
        return strict
    return max([strict, *_forgiving(text, base, now, most, clean)], key=_worth)


def _forgiving(text: bytes, base: str, now: datetime | None, most: int, clean: Cleaning) -> list[ParsedFeed]:
    """What the forgiving parsers make of it, feedparser's first; a long document that lost no item is spared that."""
    mended = ParsedFeed()
    with suppress(ParseError):
        mended = read_feed(parse_xml(text, base=base, recover=True), base, now, most, clean)
    if len(text) > _QUICK and len(mended.items) >= min(len(_ITEM.findall(text)), most):
        return [mended]
    from digest.sources.lenient import read_leniently  # feedparser takes long to import and is seldom needed

    return [read_leniently(text, base, now, most, clean), mended]


def _worth(feed: ParsedFeed) -> tuple[int, int, bool, int]:
    """Items, those with an address, a title; and those with words, which feedparser drops where a feed breaks off."""
    worded = sum(bool(item.content or item.summary) for item in feed.items)
    return len(feed.items), sum(bool(item.url) for item in feed.items), bool(feed.title), worded
