"""Parse untrusted XML: no network, no entity bombs, common small mistakes repaired."""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import Any

from lxml import etree

from digest.errors import ParseError

_DOCTYPE = re.compile(rb"<!DOCTYPE\b[^\[>]*(?:\[(.*?)\]\s*)?>", re.S | re.I)
# Entities whose value holds no reference can't grow: feedparser's rule, too. Anything else stays unexpanded text.
_ENTITY = re.compile(rb"""<!ENTITY\s+(\w+)\s+(?:"([^"&%]{0,200})"|'([^'&%]{0,200})')\s*>""")
_AMPERSAND = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|(?P<run>&+)(?=&)|&(?:#(?P<dec>\d{1,7});|#[xX](?P<hex>[0-9a-fA-F]{1,6});|(?P<name>\w{1,40});)?",
    re.S,
)
_LATE_DECLARATION = re.compile(rb"\A(.{0,2000}?)<\?xml\s[^>]{0,300}\?>", re.S)
_PREFIX = re.compile(rb"[<\s/]([A-Za-z_][\w.-]{0,30}):[A-Za-z_][\w.-]{0,60}(?=[\s/>=])")
_DECLARED_PREFIX = re.compile(rb"\bxmlns:([\w.-]+)\s*=")
_ROOT = re.compile(rb"<[A-Za-z_][\w.:-]*")
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
}
_MAX_ENTITY_GROWTH = 1_000_000  # bytes that a document's own entities may add
_XML_NAMES = {b"amp", b"lt", b"gt", b"quot", b"apos"}


def parse_xml(data: bytes, *, base: str = "", should_recover: bool = False) -> Any:
    """Parse a UTF-8 document without declaration (see transcode_to_utf8). Raises ParseError.

    Undeclared HTML entities, stray ampersands and references to forbidden characters are repaired; an entity that
    the document declares is used only when its value is plain text. With `recover`, what can be read is kept.
    """
    document, entities = _split_doctype(data)
    try:
        return _parse_tree(document, base, should_recover=False)
    except etree.XMLSyntaxError:
        document = _LATE_DECLARATION.sub(rb"\1", document, count=1)
        repaired = _repair_references(document, entities)
        if entities and len(repaired) > 2 * len(document) + _MAX_ENTITY_GROWTH:
            repaired = _repair_references(document, {})
    try:
        root = _parse_tree(repaired, base, should_recover)
    except etree.XMLSyntaxError as error:
        raise ParseError(f"not well-formed XML: {error.msg}") from error
    if root is None:
        raise ParseError("no XML in the document")
    return root


def _parse_tree(data: bytes, base: str, should_recover: bool) -> Any:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
        recover=should_recover,
        huge_tree=True,  # long posts; safe, since no entity is ever expanded by the parser
    )
    return etree.fromstring(data.lstrip(), parser, base_url=base or None)


def _split_doctype(data: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Split off the DOCTYPE and the harmless entities it declares."""
    start = data[:20_000].upper().find(b"<!DOCTYPE")
    match = _DOCTYPE.match(data, start) if start >= 0 else None
    if not match:
        return data, {}
    entities = {m[1]: m[2] or m[3] or b"" for m in _ENTITY.finditer(match[1] or b"")}
    return data[:start] + data[match.end() :], entities


def _repair_references(data: bytes, entities: dict[bytes, bytes]) -> bytes:
    def replace(match: re.Match[bytes]) -> bytes:
        if not match[0].startswith(b"&"):
            return match[0]
        if match["run"]:
            return b"&amp;" * len(match["run"])
        if match["dec"] or match["hex"]:
            return match[0] if _is_xml_character(int(match["dec"] or match["hex"], 10 if match["dec"] else 16)) else b""
        name = match["name"]
        if name in _XML_NAMES:
            return match[0]
        if name in entities:
            return entities[name]
        character = html5.get(f"{name.decode('utf-8', 'replace')};") if name else None
        return html.escape(character).encode() if character else b"&amp;" + match[0][1:]

    return _declare_prefixes(_AMPERSAND.sub(replace, data))


def _declare_prefixes(data: bytes) -> bytes:
    """Declare every prefix on the root element; feeds copied from others omit them."""
    used = set(_PREFIX.findall(data)) - set(_DECLARED_PREFIX.findall(data)) - {b"xml", b"xmlns"}
    declared = b"".join(
        b' xmlns:%s="%s"' % (p, _NAMESPACES.get(p.decode(), f"urn:undeclared:{p.decode()}").encode())
        for p in sorted(used)
    )
    return _ROOT.sub(lambda match: match[0] + declared, data, count=1)


def _is_xml_character(code: int) -> bool:
    """Whether XML 1.0 allows a character (production 2)."""
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
