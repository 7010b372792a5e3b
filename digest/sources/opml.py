"""Read and write sources as OPML 2.0 (opml.org/spec2.opml)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from lxml import etree

from digest.errors import ParseError
from digest.sources.feeds.encoding import transcode_to_utf8
from digest.sources.feeds.xml import parse_xml
from digest.sources.sanitize import resolve_url
from digest.text import normalise_line

if TYPE_CHECKING:
    from digest.config.schema import Source


class Outline(NamedTuple):
    """A subscription: its title, its feed, its page and the folder it is in; the last two may be empty."""

    title: str
    url: str
    page: str
    folder: str


def parse_opml(data: bytes) -> tuple[list[Outline], list[str]]:
    """Read the subscriptions, each feed once, and name the entries left out, whose address is not a web address.

    Raises ParseError for other files.
    """
    root = parse_xml(transcode_to_utf8(data, {}))
    if str(root.tag).lower() != "opml":
        raise ParseError(f"not an OPML file: its root is <{root.tag}>", "export the subscriptions as OPML")
    outlines: dict[str, Outline] = {}
    skipped = []
    for element in root.iter("outline"):
        given = {name.lower(): value for name, value in element.attrib.items()}
        if not (address := given.get("xmlurl", "").strip()):
            continue
        url = _resolve_feed_url(address)
        title = normalise_line(given.get("title") or given.get("text") or address)
        if not url:
            skipped.append(f"{title} ({normalise_line(address)[:200]})" if title != address else title)
            continue
        outline = Outline(title, url, resolve_url(given.get("htmlurl", ""), ""), _find_folder(element))
        outlines.setdefault(url, outline)
    return list(outlines.values()), skipped


def _resolve_feed_url(address: str) -> str:
    """Resolve `feed://host/x`, `feed:https://host/x` and `host.example/x` to the web addresses they mean."""
    address = re.sub(r"^feed:(?://)?(?=https?://)", "", address, flags=re.I)
    address = re.sub(r"^feed://", "http://", address, flags=re.I)
    if re.match(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?(?:/\S*)?$", address, re.I):
        address = f"https://{address}"
    return resolve_url(address, "")


def _find_folder(element: Any) -> str:
    parent = element.getparent()
    inside = parent is not None and parent.tag == "outline" and not parent.get("xmlUrl")
    return normalise_line(parent.get("title") or parent.get("text") or "") if inside else ""


def write_opml(sources: Iterable[Source], title: str = "Sources") -> bytes:
    """Write the sources that have an address as OPML; kinds other than feeds go into folders."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    folders: dict[str, Any] = {"feed": body}
    for source in sources:
        if not source.url:
            continue
        if source.kind not in folders:
            folders[source.kind] = etree.SubElement(body, "outline", text=source.kind)
        etree.SubElement(
            folders[source.kind], "outline", type="rss", text=source.label, title=source.label, xmlUrl=source.url
        )
    out: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return out
