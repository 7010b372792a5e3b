"""A feed as Atom (RFC 4287) with archive links (RFC 5005); the same bytes for the same issues, always."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from digest.text import strip_hidden

if TYPE_CHECKING:
    from digest.render.feeds import Feed, FeedEntry

ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
HISTORY_NAMESPACE = "http://purl.org/syndication/history/1.0"
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"

ET.register_namespace("", ATOM_NAMESPACE)
ET.register_namespace("fh", HISTORY_NAMESPACE)


def render_atom(feed: Feed) -> bytes:
    """The document, UTF-8, beginning with the XML declaration."""
    address = feed.newsletter.address
    root = ET.Element(f"{{{ATOM_NAMESPACE}}}feed", {f"{{{_XML_NAMESPACE}}}lang": feed.newsletter.language})
    _append_element(root, "id", feed.id)
    _append_element(root, "title", feed.title)
    if feed.newsletter.description:
        _append_element(root, "subtitle", feed.newsletter.description)
    _append_element(root, "updated", format_rfc3339(feed.updated))
    _append_author(root, feed)
    _append_element(root, "generator", "digest")
    _append_link(root, "self", f"{address}/{feed.path}", "application/atom+xml")
    _append_link(root, "alternate", f"{address}{feed.page}", "text/html")
    if feed.is_archive:
        ET.SubElement(root, f"{{{HISTORY_NAMESPACE}}}archive")
        _append_link(root, "current", f"{address}/feed.xml")
    for relation, path in (("prev-archive", feed.previous), ("next-archive", feed.next)):
        if path:
            _append_link(root, relation, f"{address}/{path}")
    for entry in feed.entries:
        _append_entry(root, entry, feed)
    ET.indent(root, " ")
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _append_entry(root: ET.Element, entry: FeedEntry, feed: Feed) -> None:
    node = ET.SubElement(root, f"{{{ATOM_NAMESPACE}}}entry")
    _append_element(node, "id", entry.id)
    _append_element(node, "title", entry.title)
    _append_element(node, "published", format_rfc3339(entry.published))
    _append_element(node, "updated", format_rfc3339(entry.updated))
    _append_link(node, "alternate", entry.url, "text/html")
    for slug, title in entry.categories:
        scheme = f"{feed.newsletter.address}/category/"
        ET.SubElement(
            node, f"{{{ATOM_NAMESPACE}}}category", {"term": slug, "scheme": scheme, "label": strip_hidden(title)}
        )
    if entry.summary:
        _append_element(node, "summary", entry.summary)
    content = _append_element(node, "content", entry.content, type="html")
    content.set(f"{{{_XML_NAMESPACE}}}base", entry.url)


def _append_author(root: ET.Element, feed: Feed) -> None:
    author = ET.SubElement(root, f"{{{ATOM_NAMESPACE}}}author")
    _append_element(author, "name", feed.newsletter.author or feed.newsletter.title)
    _append_element(author, "uri", f"{feed.newsletter.address}/")


def _append_element(parent: ET.Element, name: str, text: str, **attributes: str) -> ET.Element:
    node = ET.SubElement(parent, f"{{{ATOM_NAMESPACE}}}{name}", attributes)
    node.text = strip_hidden(text)
    return node


def _append_link(parent: ET.Element, relation: str, address: str, kind: str = "") -> None:
    attributes = {"rel": relation, "href": address} | ({"type": kind} if kind else {})
    ET.SubElement(parent, f"{{{ATOM_NAMESPACE}}}link", attributes)


def format_rfc3339(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
