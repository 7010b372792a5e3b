"""Parse a feed document of any kind: strictly first, then with recovering parsers.

The strict parser reads an lxml tree. feedparser is up to eighty times slower, so it gets only broken documents;
fastfeedparser loses authors after the first, xml:base and the type of Atom texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from digest.errors import ParseError
from digest.sources.entries import ParsedFeed
from digest.sources.feeds.elements import parse_feed_tree
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.feeds.json import parse_json_feed
from digest.sources.feeds.xml import parse_xml
from digest.sources.sanitize import HtmlCleaner, clean_html, resolve_url

MAX_ENTRIES = 20_000  # in one document; a warning says when more were there
_FEEDPARSER_FAST_BYTES = 300_000  # bytes that feedparser reads in a second or two whatever they are
_ENTRY_TAG = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s>/]", re.I)
_ROOT_TAG = re.compile(rb"<(?:[\w.-]+:)?(?:rss|feed|rdf|channel)[\s>]", re.I)
_ROOT_END_TAG = re.compile(rb"</(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*>", re.I)
_TAIL_BYTES = 2_000  # bytes in which a whole document closes its root; servers append comments and scripts
_HTML_START = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.I | re.S)


def parse_feed(
    data: bytes,
    *,
    url: str,
    headers: Mapping[str, str],
    now: datetime | None = None,
    max_entries: int = MAX_ENTRIES,
    clean: HtmlCleaner = clean_html,
) -> ParsedFeed:
    """Read RSS 0.9x-2.0, RSS 1.0, Atom 0.3/1.0 or JSON Feed 1.x, as served from the final `url` with `headers`.

    Texts are sanitised HTML or plain, as `clean` makes them; addresses are absolute, dates aware UTC within 1990 ..
    `now` + 1 day or flagged. Survivable faults are warnings; raises ParseError when the document is no feed at all.
    """
    base = resolve_url(next((v for k, v in headers.items() if k.lower() == "content-location"), ""), url) or url
    text = transcode_to_utf8(data, headers)
    if not text.strip():
        raise ParseError("the document is empty", "the server may be failing; try again later")
    if text.lstrip()[:1] in (b"{", b"["):
        return parse_json_feed(text, base, now, max_entries, clean)
    if _HTML_START.match(text[:4000]) and not _ROOT_TAG.search(text[:4000]):
        raise ParseError("an HTML page, not a feed", "use the page's feed address, or kind: page")
    return _parse_xml_feed(text, base, now, max_entries, clean)


def _parse_xml_feed(text: bytes, base: str, now: datetime | None, max_entries: int, clean: HtmlCleaner) -> ParsedFeed:
    try:
        strict = parse_feed_tree(parse_xml(text, base=base), base, now, max_entries, clean)
    except ParseError as error:
        best = max(_parse_leniently(text, base, now, max_entries, clean), key=_rate_completeness)
        if not best.entries and not best.title:
            raise ParseError(f"not a feed ({error.message})", "check the address in a browser") from error
        best.warnings.insert(0, error.message)
        best.is_truncated = not _ROOT_END_TAG.search(text[-_TAIL_BYTES:])
        return best
    if strict.entries or not _ENTRY_TAG.search(text):  # nothing that another parser could find
        return strict
    return max([strict, *_parse_leniently(text, base, now, max_entries, clean)], key=_rate_completeness)


def _parse_leniently(
    text: bytes, base: str, now: datetime | None, max_entries: int, clean: HtmlCleaner
) -> list[ParsedFeed]:
    """Parse with feedparser and with a recovering XML parser; feedparser is skipped for long complete documents."""
    recovered = ParsedFeed()
    with suppress(ParseError):
        recovered = parse_feed_tree(parse_xml(text, base=base, should_recover=True), base, now, max_entries, clean)
    if len(text) > _FEEDPARSER_FAST_BYTES and len(recovered.entries) >= min(len(_ENTRY_TAG.findall(text)), max_entries):
        return [recovered]
    # feedparser takes long to import and is seldom needed.
    from digest.sources.feeds.fallback import parse_with_feedparser

    return [parse_with_feedparser(text, base, now, max_entries, clean), recovered]


def _rate_completeness(feed: ParsedFeed) -> tuple[int, int, bool, int]:
    """Count entries, those with an address, a title, and those with text, which feedparser drops in cut feeds."""
    with_text = sum(bool(item.content or item.summary) for item in feed.entries)
    return len(feed.entries), sum(bool(item.url) for item in feed.entries), bool(feed.title), with_text
