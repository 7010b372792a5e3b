"""Read RSS and Atom trees: one table says what an element means in every dialect.

The text of an element is escaped markup, inline markup, plain text or base64, as its dialect and type say.
"""

from __future__ import annotations

import binascii
import html
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from lxml import etree

from digest.errors import ParseError
from digest.sources.dates import parse_first_date
from digest.sources.entries import UNTITLED_TITLE, Entry, ParsedFeed
from digest.sources.sanitize import HtmlCleaner, clean_html, clean_title, derive_title, escape_plain_text, resolve_url
from digest.text import normalise_line

_MAX_TITLE_LENGTH = 20_000  # characters looked at; a title is cut much shorter
_TEXT_TYPE = re.compile(r"^(text|html|xhtml)$|^text/|[/+](xml|html|xhtml\+xml)\b", re.I)
_HTML_TAG = re.compile(
    r"</(?:a|b|blockquote|code|div|em|h[1-6]|i|li|ol|p|pre|span|strong|table|ul)\s*>|<(?:br|p)\s*/?>", re.I
)


def collect_text(element: Any) -> str:
    return "".join(element.itertext()) if len(element) else element.text or ""


def parse_title(element: Any, *, is_atom: bool) -> str:
    """Read an element as a title. Plain Atom titles keep angle brackets, but entities in them are a common mistake."""
    if len(element):
        return clean_title(collect_text(element)[:_MAX_TITLE_LENGTH], is_markup=False)
    text = _decode_text(element)[:_MAX_TITLE_LENGTH]
    if is_atom and _is_plain_text(element, text):
        return clean_title(html.unescape(text), is_markup=False)
    return clean_title(text)


def parse_body(element: Any, base: str, clean: HtmlCleaner, *, is_atom: bool) -> str:
    """Read the cleaned fragment of an element; empty for a picture and anything else that is not text."""
    if len(element):
        return clean(_serialise_children(element), base)
    text = _decode_text(element)
    return escape_plain_text(text) if is_atom and _is_plain_text(element, text) else clean(text, base)


def _is_plain_text(element: Any, text: str) -> bool:
    """Whether Atom text is plain, which is the default; many who leave the type out write markup."""
    kind = (element.get("type") or "").lower()
    return kind in ("text", "text/plain") or (not kind and not _HTML_TAG.search(text))


def _decode_text(element: Any) -> str:
    text, kind = element.text or "", element.get("type")
    binary = bool(kind) and not _TEXT_TYPE.search(kind)
    if not binary and element.get("mode") != "base64":
        return text
    try:
        return b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return "" if binary else text


def _serialise_children(element: Any) -> str:
    """Serialise the child elements, without the <div> that Atom requires around XHTML."""
    alone = len(element) == 1 and not (element.text or "").strip() and not (element[0].tail or "").strip()
    if alone and _local_name(element[0]) == "div":
        element = element[0]
    for inner in element.iterdescendants("{http://www.w3.org/1999/xhtml}*"):  # <xhtml:p> is <p> to HTML
        if re.fullmatch(r"[A-Za-z][\w-]*", _local_name(inner)):  # recovered documents have tags such as ":00Z"
            inner.tag = _local_name(inner)
    children = (etree.tostring(child, encoding="unicode", method="html") for child in element)
    return html.escape(element.text or "", quote=False) + "".join(children)


def _local_name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


_ATOM_NAMESPACES = ("http://www.w3.org/2005/Atom", "https://www.w3.org/2005/Atom", "http://purl.org/atom/ns#")
# Namespaces, in lower case, whose local names mean something of their own.
_MODULE_NAMESPACES = {
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://search.yahoo.com/mrss/": "media",
    "http://search.yahoo.com/mrss": "media",
    "http://purl.org/rss/1.0/modules/syndication/": "sy",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.w3.org/1999/xhtml": "xhtml",
} | {space.lower(): "atom" for space in _ATOM_NAMESPACES}
_RSS_NAMESPACE = re.compile(
    r"^($|http://(purl\.org/(rss/|net/rss1\.1)|my\.netscape\.com/|channel\.netscape\.com/|backend\.userland\.com/|"
    r"blogs\.law\.harvard\.edu/|www\.rssboard\.org/|cyber\.(law\.)?harvard\.edu/))",
    re.I,
)
# What an element below an item says. Several may say the same; the order is the order of trust.
_ROLE_ELEMENTS: dict[str, tuple[str, ...]] = {
    "guid": ("guid", "atom:id", "id"),
    "title": ("title", "atom:title", "dc:title", "itunes:title", "media:title"),
    "link": ("feedburner:origlink", "link", "atom:link", "uri"),  # the first is the page; the others may count clicks
    "summary": ("description", "atom:summary", "summary", "dc:description", "itunes:summary", "media:description"),
    "content": ("content:encoded", "atom:content", "content", "fullitem", "body", "xhtml:body", "xhtml:div"),
    "published": ("pubdate", "atom:published", "atom:issued", "published", "dcterms:issued", "dc:date", "atom:created"),
    "updated": ("atom:updated", "atom:modified", "updated", "dcterms:modified"),
    "author": ("dc:creator", "atom:author", "author", "itunes:author", "dc:author"),
    "source": ("atom:source",),
    "category": ("category", "atom:category", "dc:subject", "media:keywords"),
    "comments": ("comments",),
    "enclosure": ("enclosure", "media:content"),
}
_MEDIA_GROUPS = ("{http://search.yahoo.com/mrss/}group", "{http://search.yahoo.com/mrss}group")
_ELEMENT_RANKS = {name: (role, rank) for role, names in _ROLE_ELEMENTS.items() for rank, name in enumerate(names)}
_ENTRY_NAMES = ("item", "atom:entry", "entry")
_PERIODS = {"hourly": 60, "daily": 1440, "weekly": 10_080, "monthly": 43_200, "yearly": 525_600}
_OLDER_RELATIONS = ("next", "prev-archive")  # of the page or archive before this one (RFC 5005)
_OTHER_RELATIONS = ("self", "edit", "replies", "current", "next-archive", *_OLDER_RELATIONS)
_RELATION_PREFIX = "http://www.iana.org/assignments/relation/"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PERSON = re.compile(r"\s*(?:<?[\w.+-]+@[\w.-]+>?)?\s*\(?([^()<>]*?)\)?\s*(?:<[^<>]*>)?\s*")

Fields = Mapping[str, Sequence[Any]]


def parse_feed_tree(
    root: Any, base: str, now: datetime | None, max_entries: int, clean: HtmlCleaner = clean_html
) -> ParsedFeed:
    """Read an RSS, RDF or Atom tree. Raises ParseError when its root is none of these."""
    kind = _qualify_name(root.tag)
    if kind.rpartition(":")[2] not in ("rss", "rdf", "feed", "channel", "entry"):
        raise ParseError(f"the root element <{root.tag.rpartition('}')[2]}> is not a feed's")
    channel = root
    if kind not in ("channel", "atom:feed", "feed"):
        channel = next((child for child in root if _qualify_name(child.tag) == "channel"), root)
    fields = _collect_fields(channel)
    elements = [e for e in root.iter("{*}item", "{*}entry") if _qualify_name(e.tag) in _ENTRY_NAMES]
    if kind == "atom:entry":
        elements = [root]
    feed_base = _resolve_base(channel, base)
    next_links = (e for e in fields.get("link", ()) if _link_relation(e) in _OLDER_RELATIONS)
    hours = _collect_child_texts(channel, "skiphours")
    feed = ParsedFeed(
        title=_first_title(fields),
        link=_find_page_link(fields, feed_base),
        ttl=_parse_ttl(channel),
        skip_hours=frozenset(int(h) % 24 for h in hours if re.fullmatch(r"\d{1,2}", h) and int(h) <= 24),
        skip_days=frozenset(day.capitalize() for day in _collect_child_texts(channel, "skipdays") if day.isalpha()),
    )
    feed.next_page = next((resolve_url(e.get("href") or "", feed_base) for e in next_links), "") or None
    feed_authors = _parse_authors(e for e in fields.get("author", ()) if _is_atom(e))
    feed.entries = [_parse_entry(element, base, now, feed_authors, clean) for element in elements[:max_entries]]
    if len(elements) > max_entries:
        feed.warnings.append(f"{len(elements)} items; only the first {max_entries} were read")
    return feed


@lru_cache(maxsize=2048)
def _qualify_name(tag: Any) -> str:
    """Name a tag `title`, `atom:title` or `dc:creator`: RSS without a prefix, empty for comments and the unknown."""
    if not isinstance(tag, str):
        return ""
    space, _, local = tag.rpartition("}")
    space, local = space.lstrip("{"), local.lower()
    if module := _MODULE_NAMESPACES.get(space.lower()):
        return f"{module}:{local}"
    return local if _RSS_NAMESPACE.match(space) or local == "rdf" else ""


def _collect_fields(element: Any) -> Fields:
    """Collect the children by role, the most trusted dialect first, else in document order."""
    ranked: dict[str, list[tuple[int, Any]]] = {}
    groups = element.iterchildren(*_MEDIA_GROUPS)  # where YouTube keeps its descriptions
    for child in chain(element, *groups):
        role, rank = _ELEMENT_RANKS.get(_qualify_name(child.tag), ("", 0))
        if role:
            ranked.setdefault(role, []).append((rank, child))
    return {role: [child for _, child in sorted(pairs, key=itemgetter(0))] for role, pairs in ranked.items()}


def _parse_entry(element: Any, base: str, now: datetime | None, feed_authors: list[str], clean: HtmlCleaner) -> Entry:
    fields, entry_base = _collect_fields(element), _resolve_base(element, base)
    # The authors of the feed an entry was copied from precede this feed's (RFC 4287, 4.2.1).
    source_authors = [e for s in fields.get("source", ()) for e in s if _qualify_name(e.tag) == "atom:author"]
    terms = (e.get("label") or e.get("term") or collect_text(e) for e in fields.get("category", ()))
    labels = (normalise_line(clean_title(term)) for term in terms)
    published, flag = parse_first_date(map(collect_text, fields.get("published", ())), now)
    updated, updated_flag = parse_first_date(map(collect_text, fields.get("updated", ())), now)
    entry = Entry(
        guid=_first_text(fields, "guid") or element.get(f"{_RDF}about", "").strip(),
        url=_find_page_link(fields, entry_base) or resolve_url(element.get(f"{_RDF}about", ""), entry_base),
        title=_first_title(fields),
        summary=_first_body(fields, "summary", entry_base, clean),
        content=_first_body(fields, "content", entry_base, clean),
        authors=_parse_authors(fields.get("author", ())) or _parse_authors(source_authors) or list(feed_authors),
        published=published or updated,  # a date of some kind is better than none; Atom demands only `updated`
        updated=updated,
        categories=list(dict.fromkeys(filter(None, labels)))[:50],
        date_flag=flag or (updated_flag if not published else None),
    )
    if comments := resolve_url(_first_text(fields, "comments"), entry_base):
        entry.links["discussion"] = comments
    return ensure_title(entry)


def ensure_title(entry: Entry) -> Entry:
    """Give an entry without title and address the first words of its text as a title."""
    if not entry.title and not entry.url:
        entry.title = derive_title(entry.summary or entry.content) or UNTITLED_TITLE
    return entry


def _first_text(fields: Fields, role: str) -> str:
    return next((text for e in fields.get(role, ()) if (text := collect_text(e).strip())), "")


def _first_title(fields: Fields) -> str:
    return next((text for e in fields.get("title", ()) if (text := parse_title(e, is_atom=_is_atom(e)))), "")


def _first_body(fields: Fields, role: str, base: str, clean: HtmlCleaner) -> str:
    bodies = (parse_body(e, _resolve_base(e, base), clean, is_atom=_is_atom(e)) for e in fields.get(role, ()))
    return next(filter(None, bodies), "")


def _is_atom(element: Any) -> bool:
    return _qualify_name(element.tag).startswith("atom:")


def _find_page_link(fields: Fields, base: str) -> str:
    """Find the entry's page: an alternate link, a guid that is a link, or any other web address it gives."""
    links = fields.get("link", ())
    pages = [e for e in links if _link_relation(e) == "alternate"]
    pages.sort(key=lambda e: ("html" not in (e.get("type") or "html"), not (e.get("href") or e.text)))
    for element in pages:
        if address := resolve_url(element.get("href") or element.text or "", _resolve_base(element, base)):
            return address
    for element in fields.get("guid", ()):
        guid = element.text or ""
        permalink = element.get("isPermaLink", "").lower()
        is_path = permalink == "true" and re.fullmatch(r"\s*/(?!/)\S*\s*", guid)
        if is_path or (permalink != "false" and re.match(r"\s*https?://", guid, re.I)):
            return resolve_url(guid.strip(), base)
    others = [e.get("href") for e in links if _link_relation(e) not in _OTHER_RELATIONS]
    others += [e.get("url") for e in fields.get("enclosure", ())]
    return next((address for other in others if (address := resolve_url(other or "", base))), "")


def _link_relation(link: Any) -> str:
    """Return a link's relation; its long form and case mean nothing (RFC 4287, 4.2.7.2)."""
    return (link.get("rel") or "alternate").strip().lower().removeprefix(_RELATION_PREFIX)


def _parse_authors(elements: Iterable[Any]) -> list[str]:
    """Read the people of the most trusted dialect that names any."""
    for _, same in groupby(elements, key=lambda element: _qualify_name(element.tag)):
        if people := list(dict.fromkeys(name for element in same if (name := parse_person(element)))):
            return people
    return []


def parse_person(element: Any) -> str:
    """Read a name out of `<author><name>`, `a@b.org (Name)` or `Name <a@b.org>`."""
    name = next((child for child in element if _qualify_name(child.tag).endswith("name")), None)
    return parse_person_name(collect_text(element if name is None else name))


def parse_person_name(text: str) -> str:
    """Read a name without the mail address beside it, or the address when there is nothing else."""
    text = clean_title(text)
    match = _PERSON.fullmatch(text) if "@" in text else None
    return match[1].strip() if match and match[1].strip() else text


def _resolve_base(element: Any, base: str) -> str:
    """Resolve the base of relative addresses; lxml follows the xml:base chain."""
    stated = element.base
    return base if not stated or stated == base else resolve_url(stated, base) or base


def _parse_ttl(channel: Any) -> int | None:
    """Read the minutes between checks from `ttl` or the syndication module."""
    values = {_qualify_name(child.tag): (child.text or "").strip() for child in channel}
    if re.fullmatch(r"\d{1,6}", values.get("ttl", "")):
        return int(values["ttl"])
    period = _PERIODS.get(values.get("sy:updateperiod", "").lower())
    often = values.get("sy:updatefrequency", "1")
    return period // max(int(often), 1) if period and re.fullmatch(r"\d{1,6}", often) else None


def _collect_child_texts(channel: Any, name: str) -> list[str]:
    parents = (e for e in channel if _qualify_name(e.tag) == name)
    return [(child.text or "").strip() for e in parents for child in e if isinstance(child.tag, str)]
