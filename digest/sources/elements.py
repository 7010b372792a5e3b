"""RSS and Atom trees to items: one table says what an element means, whatever the dialect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

from digest.errors import ParseError
from digest.ports import UNTITLED, Found, ParsedFeed
from digest.sources.constructs import all_text, body_of, title_of
from digest.sources.dates import believed
from digest.sources.markup import Cleaning, absolute, clean_html, title_text, words_of
from digest.text import one_line

_ATOM = ("http://www.w3.org/2005/Atom", "https://www.w3.org/2005/Atom", "http://purl.org/atom/ns#")
# Namespaces, in lower case, whose local names mean something of their own.
_MODULES = {
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
} | {space.lower(): "atom" for space in _ATOM}
_RSS = re.compile(
    r"^($|http://(purl\.org/(rss/|net/rss1\.1)|my\.netscape\.com/|channel\.netscape\.com/|backend\.userland\.com/|"
    r"blogs\.law\.harvard\.edu/|www\.rssboard\.org/|cyber\.(law\.)?harvard\.edu/))",
    re.I,
)
# What an element below an item says. Several may say the same; the order is the order of trust.
_ROLES: dict[str, tuple[str, ...]] = {
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
_GROUPS = ("{http://search.yahoo.com/mrss/}group", "{http://search.yahoo.com/mrss}group")
_RANK = {name: (role, rank) for role, names in _ROLES.items() for rank, name in enumerate(names)}
_PERIODS = {"hourly": 60, "daily": 1440, "weekly": 10_080, "monthly": 43_200, "yearly": 525_600}
_RELATION = "http://www.iana.org/assignments/relation/"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PERSON = re.compile(r"\s*(?:<?[\w.+-]+@[\w.-]+>?)?\s*\(?([^()<>]*?)\)?\s*(?:<[^<>]*>)?\s*")

Fields = Mapping[str, Sequence[Any]]


def read_feed(root: Any, base: str, now: datetime | None, most: int, clean: Cleaning = clean_html) -> ParsedFeed:
    """Read an RSS, RDF or Atom tree; raises ParseError when its root is none of these."""
    kind = _name(root.tag)
    if kind.rpartition(":")[2] not in ("rss", "rdf", "feed", "channel", "entry"):
        raise ParseError(f"the root element <{root.tag.rpartition('}')[2]}> is no feed's")
    channel = root if kind in ("channel", "atom:feed", "feed") else _channel(root)
    fields = _fields(channel)
    found = list(_items(root))
    link = _link(fields, _base(channel, base))
    feed = ParsedFeed(
        title=_title(fields),
        link=link,
        ttl=_ttl(channel),
        skip_hours=_skip_hours(channel),
        skip_days=_skip_days(channel),
    )
    everyone = _authors(e for e in fields.get("author", ()) if _is_atom(e))
    feed.items = [_item(element, base, now, everyone, clean) for element in found[:most]]
    feed.next_page = _rel(fields, _base(channel, base), "next") or None
    if len(found) > most:
        feed.warnings.append(f"{len(found)} items; only the first {most} were read")
    return feed


@lru_cache(maxsize=2048)
def _name(tag: Any) -> str:
    """`title`, `atom:title`, `dc:creator`: lower case, RSS without a prefix; empty for comments and the unknown."""
    if not isinstance(tag, str):
        return ""
    space, _, local = tag.rpartition("}")
    space, local = space.lstrip("{"), local.lower()
    module = _MODULES.get(space.lower())
    if module:
        return f"{module}:{local}"
    return local if _RSS.match(space) or local == "rdf" else ""


def _channel(root: Any) -> Any:
    return next((child for child in root if _name(child.tag) == "channel"), root)


def _items(root: Any) -> Iterable[Any]:
    if _name(root.tag) == "atom:entry":
        return [root]
    found = (e for e in root.iter("{*}item", "{*}entry") if _name(e.tag) in ("item", "atom:entry", "entry"))
    return found


def _fields(element: Any) -> Fields:
    """The children by role, the most trusted dialect first, else in document order."""
    ranked: dict[str, list[tuple[int, Any]]] = {}
    for child in _children(element):
        role, rank = _RANK.get(_name(child.tag), ("", 0))
        if role:
            ranked.setdefault(role, []).append((rank, child))
    for found in ranked.values():
        if len(found) > 1:
            found.sort(key=itemgetter(0))
    return {role: [child for _, child in found] for role, found in ranked.items()}


def _children(element: Any) -> Iterator[Any]:
    """The children, then those in media groups, where YouTube keeps its descriptions."""
    yield from element
    for group in element.iterchildren(*_GROUPS):
        yield from group


def _item(element: Any, base: str, now: datetime | None, everyone: list[str], clean: Cleaning) -> Found:
    fields, here = _fields(element), _base(element, base)
    published, flag = _date(fields, "published", now)
    updated, updated_flag = _date(fields, "updated", now)
    found = Found(
        guid=_text(fields, "guid") or element.get(f"{_RDF}about", "").strip(),
        url=_link(fields, here) or absolute(element.get(f"{_RDF}about", ""), here),
        title=_title(fields),
        summary=_body(fields, "summary", here, clean),
        content=_body(fields, "content", here, clean),
        authors=_authors(fields.get("author", ())) or _authors(_of_source(fields)) or list(everyone),
        published=published or updated,  # a date of some kind is better than none; Atom demands only `updated`
        updated=updated,
        categories=_categories(fields),
        date_flag=flag or (updated_flag if not published else None),
    )
    if comments := absolute(_text(fields, "comments"), here):
        found.links["discussion"] = comments
    return named(found)


def _of_source(fields: Fields) -> list[Any]:
    """The authors of the feed that an entry was copied from, which go before this one's (RFC 4287, 4.2.1)."""
    return [child for e in fields.get("source", ()) for child in e if _name(child.tag) == "atom:author"]


def named(found: Found) -> Found:
    """With a title in any case: the first words of its text where it has neither title nor address."""
    if not found.title and not found.url:
        found.title = words_of(found.summary or found.content) or UNTITLED
    return found


def _text(fields: Fields, role: str) -> str:
    return next((text for e in fields.get(role, ()) if (text := all_text(e).strip())), "")


def _title(fields: Fields) -> str:
    return next((text for e in fields.get("title", ()) if (text := title_of(e, atom=_is_atom(e)))), "")


def _body(fields: Fields, role: str, base: str, clean: Cleaning) -> str:
    bodies = (body_of(e, _base(e, base), clean, atom=_is_atom(e)) for e in fields.get(role, ()))
    return next(filter(None, bodies), "")


def _is_atom(element: Any) -> bool:
    return _name(element.tag).startswith("atom:")


def _link(fields: Fields, base: str) -> str:
    """The item's page: a link that says so, a guid that is one, any other web address the item gives."""
    links = fields.get("link", ())
    pages = sorted((e for e in links if _says(e) == "alternate"), key=_preference)
    for element in pages:
        if address := absolute(element.get("href") or element.text or "", _base(element, base)):
            return address
    for element in fields.get("guid", ()):
        if element.get("isPermaLink", "true").lower() != "false" and re.match(
            r"\s*https?://", element.text or "", re.I
        ):
            return absolute(element.text or "", base)
    others = [e.get("href") for e in links if _says(e) not in ("self", "edit", "replies", "next")]
    others += [e.get("url") for e in fields.get("enclosure", ())]
    return next((address for other in others if (address := absolute(other or "", base))), "")


def _preference(element: Any) -> tuple[bool, bool]:
    return ("html" not in (element.get("type") or "html"), not (element.get("href") or element.text))


def _rel(fields: Fields, base: str, rel: str) -> str:
    return next((absolute(e.get("href") or "", base) for e in fields.get("link", ()) if _says(e) == rel), "")


def _says(link: Any) -> str:
    """How a link is related; the name's long form and its case mean nothing (RFC 4287, 4.2.7.2)."""
    return (link.get("rel") or "alternate").strip().lower().removeprefix(_RELATION)


def _date(fields: Fields, role: str, now: datetime | None) -> tuple[datetime | None, str | None]:
    flag = None
    for element in fields.get(role, ()):
        moment, doubt = believed(all_text(element), now)
        if moment:
            return moment, None
        flag = flag or doubt
    return None, flag


def _authors(elements: Iterable[Any]) -> list[str]:
    """All people of the most trusted dialect that names any."""
    for _, same in groupby(elements, key=lambda element: _name(element.tag)):
        if people := list(dict.fromkeys(name for element in same if (name := person(element)))):
            return people
    return []


def person(element: Any) -> str:
    """A name out of `<author><name>`, `a@b.org (Name)` or `Name <a@b.org>`."""
    name = next((child for child in element if _name(child.tag).endswith("name")), None)
    return person_name(all_text(element if name is None else name))


def person_name(text: str) -> str:
    """A name without the address beside it; the address itself when there is nothing else."""
    text = title_text(text)
    match = _PERSON.fullmatch(text) if "@" in text else None
    return match[1].strip() if match and match[1].strip() else text


def _categories(fields: Fields) -> list[str]:
    given = [e.get("label") or e.get("term") or all_text(e) for e in fields.get("category", ())]
    return list(dict.fromkeys(name for text in given if (name := one_line(title_text(text)))))[:50]


def _base(element: Any, base: str) -> str:
    """The base for relative addresses here: lxml follows the xml:base chain from the document's own address."""
    stated = element.base
    return base if not stated or stated == base else absolute(stated, base) or base


def _ttl(channel: Any) -> int | None:
    """Minutes between checks, from `ttl` or the syndication module."""
    values = {_name(child.tag): (child.text or "").strip() for child in channel}
    if re.fullmatch(r"\d{1,6}", values.get("ttl", "")):
        return int(values["ttl"])
    period = _PERIODS.get(values.get("sy:updateperiod", "").lower())
    often = values.get("sy:updatefrequency", "1")
    return period // max(int(often), 1) if period and re.fullmatch(r"\d{1,6}", often) else None


def _skip_hours(channel: Any) -> frozenset[int]:
    return frozenset(int(h) % 24 for h in _inside(channel, "skiphours") if re.fullmatch(r"\d{1,2}", h) and int(h) <= 24)


def _skip_days(channel: Any) -> frozenset[str]:
    return frozenset(day.capitalize() for day in _inside(channel, "skipdays") if day.isalpha())


def _inside(channel: Any, name: str) -> list[str]:
    return [(c.text or "").strip() for e in channel if _name(e.tag) == name for c in e if isinstance(c.tag, str)]
