"""A feed as Atom (RFC 4287) with archive links (RFC 5005); the same bytes for the same issues, always."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from digest.text import strip_hidden

if TYPE_CHECKING:
    from digest.render.feeds import Entry, Feed

ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"
_XML = "http://www.w3.org/XML/1998/namespace"

ET.register_namespace("", ATOM)
ET.register_namespace("fh", HISTORY)


def atom(feed: Feed) -> bytes:
    """The document, UTF-8, beginning with the XML declaration."""
    address = feed.newsletter.address
    root = ET.Element(f"{{{ATOM}}}feed", {f"{{{_XML}}}lang": feed.newsletter.language})
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    if feed.newsletter.description:
        _add(root, "subtitle", feed.newsletter.description)
    _add(root, "updated", stamp(feed.updated))
    _author(root, feed)
    _add(root, "generator", "digest")
    _link(root, "self", f"{address}/{feed.path}", "application/atom+xml")
    _link(root, "alternate", f"{address}{feed.page}", "text/html")
    if feed.archive:
        ET.SubElement(root, f"{{{HISTORY}}}archive")
        _link(root, "current", f"{address}/feed.xml")
    for relation, path in (("prev-archive", feed.previous), ("next-archive", feed.next)):
        if path:
            _link(root, relation, f"{address}/{path}")
    for entry in feed.entries:
        _entry(root, entry, feed)
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _entry(root: ET.Element, entry: Entry, feed: Feed) -> None:
    node = ET.SubElement(root, f"{{{ATOM}}}entry")
    _add(node, "id", entry.id)
    _add(node, "title", entry.title)
    _add(node, "published", stamp(entry.published))
    _add(node, "updated", stamp(entry.updated))
    _link(node, "alternate", entry.url, "text/html")
    for slug, title in entry.categories:
        scheme = f"{feed.newsletter.address}/category/"
        ET.SubElement(node, f"{{{ATOM}}}category", {"term": slug, "scheme": scheme, "label": strip_hidden(title)})
    if entry.summary:
        _add(node, "summary", entry.summary)
    content = _add(node, "content", entry.content, type="html")
    content.set(f"{{{_XML}}}base", entry.url)


def _author(root: ET.Element, feed: Feed) -> None:
    author = ET.SubElement(root, f"{{{ATOM}}}author")
    _add(author, "name", feed.newsletter.author or feed.newsletter.title)
    _add(author, "uri", f"{feed.newsletter.address}/")


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> ET.Element:
    node = ET.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    node.text = strip_hidden(text)
    return node


def _link(parent: ET.Element, relation: str, address: str, kind: str = "") -> None:
    attributes = {"rel": relation, "href": address} | ({"type": kind} if kind else {})
    ET.SubElement(parent, f"{{{ATOM}}}link", attributes)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
