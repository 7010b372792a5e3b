"""The text an element carries: escaped markup, inline markup, plain text or base64, as its dialect and type say."""

from __future__ import annotations

import binascii
import html
import re
from base64 import b64decode
from typing import Any

from lxml import etree

from digest.sources.markup import HtmlCleaner, clean_title, escape_plain_text

_MAX_TITLE_LENGTH = 20_000  # characters looked at; a title is cut much shorter
_TEXT_TYPE = re.compile(r"^(text|html|xhtml)$|^text/|[/+](xml|html|xhtml\+xml)\b", re.I)
_HTML_TAG = re.compile(
    r"</(?:a|b|blockquote|code|div|em|h[1-6]|i|li|ol|p|pre|span|strong|table|ul)\s*>|<(?:br|p)\s*/?>", re.I
)


def collect_text(element: Any) -> str:
    """The text of an element and of what is in it."""
    return "".join(element.itertext()) if len(element) else element.text or ""


def parse_title(element: Any, *, is_atom: bool) -> str:
    """The element's text as a title. Plain Atom ones keep their angle brackets; entities in them are a common slip."""
    if len(element):
        return clean_title(collect_text(element)[:_MAX_TITLE_LENGTH], is_markup=False)
    text = _decode_text(element)[:_MAX_TITLE_LENGTH]
    if is_atom and _is_plain_text(element, text):
        return clean_title(html.unescape(text), is_markup=False)
    return clean_title(text)


def parse_body(element: Any, base: str, clean: HtmlCleaner, *, is_atom: bool) -> str:
    """The fragment the element holds, cleaned; empty for a picture or anything else that is no text."""
    if len(element):
        return clean(_serialise_children(element), base)
    text = _decode_text(element)
    return escape_plain_text(text) if is_atom and _is_plain_text(element, text) else clean(text, base)


def _is_plain_text(element: Any, text: str) -> bool:
    """Atom's default is plain text, but many who leave the type out write markup."""
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
    """Child elements written out; Atom's obligatory <div> around XHTML is not part of the text."""
    alone = len(element) == 1 and not (element.text or "").strip() and not (element[0].tail or "").strip()
    if alone and _local_name(element[0]) == "div":
        element = element[0]
    parts = [html.escape(element.text or "", quote=False)]
    parts += [etree.tostring(_strip_prefixes(child), encoding="unicode", method="html") for child in element]
    return "".join(parts)


def _strip_prefixes(element: Any) -> Any:
    """<xhtml:p> as <p>, which is all that HTML knows."""
    for inner in element.iter("{http://www.w3.org/1999/xhtml}*"):
        if re.fullmatch(r"[A-Za-z][\w-]*", _local_name(inner)):  # forgiven documents have tags such as ":00Z"
            inner.tag = _local_name(inner)
    return element


def _local_name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
