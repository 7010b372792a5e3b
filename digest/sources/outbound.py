"""Links of a post to works elsewhere, with the words that name them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from importlib import resources

from digest.sources.entries import Entry, EntryLink
from digest.sources.sanitize import flatten_html, resolve_url
from digest.text.html import html_to_text
from digest.urls.canonical import extract_host

_ANCHOR = re.compile(r"<a\s[^<>]*>", re.I)
_ANCHOR_END = re.compile(r"<(?:/a\b|a\s|/?(?:p|div|li|td)\b)", re.I)
_ADDRESS = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.I)
_BLOCK_EDGE = re.compile(r"</?(?:p|div|li|ul|ol|h[1-6]|br|tr|td|table|blockquote|section|article|hr)\b", re.I)
_SENTENCE_EDGE = re.compile(r"(?<=[.!?…])\s+(?=[\"“'(]?[A-Z0-9])")
_MAX_LINKS = 120  # of one text
_MAX_CONTEXT = 2_000  # characters of markup on either side of a link
_MAX_TEXT = 300  # characters of the words that name a work


@dataclass(frozen=True, slots=True)
class _LinkRules:
    hosts: frozenset[str]
    profile_hosts: frozenset[str]
    paths: Sequence[re.Pattern[str]]


class LinkCollector:
    """A cleaner that flattens fragments and remembers the links of each flattened text."""

    def __init__(self) -> None:
        self._links: dict[str, tuple[EntryLink, ...]] = {}

    def __call__(self, fragment: str, base: str) -> str:
        text = flatten_html(fragment, base)
        if text and (links := tuple(extract_links(fragment, base))):
            self._links[text] = links
        return text

    def find_links(self, entry: Entry) -> tuple[EntryLink, ...]:
        """Return the links of an entry's texts."""
        return self._links.get(entry.content, ()) + self._links.get(entry.summary, ())


def extract_links(fragment: str, base: str) -> Iterator[EntryLink]:
    """Yield the links of an HTML fragment that may name a work, with the sentence around each."""
    for number, anchor in enumerate(_ANCHOR.finditer(fragment)):
        if number == _MAX_LINKS:
            return
        address = _ADDRESS.search(anchor[0])
        url = resolve_url(unescape(next(filter(None, address.groups()), "")), base) if address else ""
        if url and names_work(url):
            yield EntryLink(url, *_read_words(fragment, anchor.start(), anchor.end()))


def names_work(url: str) -> bool:
    """Return whether an address can be a work's: no home page, profile, button, picture or reference work."""
    host = extract_host(url)
    labels = host.split(".")
    if not host:
        return False
    rules = _load_rules()
    ancestors = {".".join(labels[i:]) for i in range(len(labels))}
    path = "/" + url.partition("://")[2].partition("#")[0].partition("/")[2]
    if not ancestors.isdisjoint(rules.hosts) or any(pattern.search(path) for pattern in rules.paths):
        return False
    return ancestors.isdisjoint(rules.profile_hosts) or "?" in path or path.strip("/").count("/") > 0


def _read_words(fragment: str, start: int, end: int) -> tuple[str, str]:
    """Return the words of the link that begins with the tag at `start`, and the sentence that holds it."""
    closing = _ANCHOR_END.search(fragment, end, end + _MAX_CONTEXT)
    close = closing.start() if closing else end
    anchor = _to_line(fragment[end:close])
    before, after = fragment[max(0, start - _MAX_CONTEXT) : start], fragment[close : close + _MAX_CONTEXT]
    opening = max((edge.start() for edge in _BLOCK_EDGE.finditer(before)), default=0)
    ending = edge.start() if (edge := _BLOCK_EDGE.search(after)) else len(after)
    head, tail = _to_line(before[opening:] + " "), _to_line(re.sub(r"^</a[^<>]*>", "", after[:ending]))
    lead = _SENTENCE_EDGE.split(head)[-1] if not re.search(r"[.!?…]$", head) else ""
    rest = _SENTENCE_EDGE.split(tail, maxsplit=1)[0]
    gap = "" if rest[:1] in ",.;:!?)”’'\"" else " "
    return anchor[:_MAX_TEXT], f"{lead} {anchor}{gap}{rest}".strip()[:_MAX_TEXT]


def _to_line(markup: str) -> str:
    # A tag that was cut at either end is no text.
    return " ".join(html_to_text(re.sub(r"^[^<>]*>|<[^<>]*$", " ", markup)).split())


@lru_cache(maxsize=1)
def _load_rules() -> _LinkRules:
    data = tomllib.loads((resources.files("digest") / "data" / "radar.toml").read_text(encoding="utf-8"))
    return _LinkRules(
        frozenset(data["hosts"].split()),
        frozenset(data["profile_hosts"].split()),
        [re.compile(pattern, re.I) for pattern in data["paths"]],
    )
