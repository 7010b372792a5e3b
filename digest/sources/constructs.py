"""The text an element carries: escaped markup, inline markup, plain text or base64, as its dialect and type say."""

from __future__ import annotations

import binascii
import html
import re
from base64 import b64decode
from typing import Any

from lxml import etree

from digest.sources.markup import Cleaning, plain_as_html, title_text

_LONGEST_TITLE = 20_000  # characters looked at; a title is cut much shorter
_TEXTUAL = re.compile(r"^(text|html|xhtml)$|^text/|[/+](xml|html|xhtml\+xml)\b", re.I)
_CLOSING = re.compile(
    r"</(?:a|b|blockquote|code|div|em|h[1-6]|i|li|ol|p|pre|span|strong|table|ul)\s*>|<(?:br|p)\s*/?>", re.I
)


def all_text(element: Any) -> str:
    """The text of an element and of what is in it."""
    return "".join(element.itertext()) if len(element) else element.text or ""


def title_of(element: Any, *, atom: bool) -> str:
    """The element's text as a title. Plain Atom ones keep their angle brackets; entities in them are a common slip."""
    if len(element):
        return title_text(all_text(element)[:_LONGEST_TITLE], markup=False)
    text = _text(element)[:_LONGEST_TITLE]
    if atom and _plain(element, text):
        return title_text(html.unescape(text), markup=False)
    return title_text(text)


def body_of(element: Any, base: str, clean: Cleaning, *, atom: bool) -> str:
    """The fragment the element holds, cleaned; empty for a picture or anything else that is no text."""
    if len(element):
        return clean(_inline(element), base)
    text = _text(element)
    return plain_as_html(text) if atom and _plain(element, text) else clean(text, base)


def _plain(element: Any, text: str) -> bool:
    """Atom's default is plain text, but many who leave the type out write markup."""
    kind = (element.get("type") or "").lower()
    return kind in ("text", "text/plain") or (not kind and not _CLOSING.search(text))


def _text(element: Any) -> str:
    text, kind = element.text or "", element.get("type")
    binary = bool(kind) and not _TEXTUAL.search(kind)
    if not binary and element.get("mode") != "base64":
        return text
    try:
        return b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return "" if binary else text


def _inline(element: Any) -> str:
    """Child elements written out; Atom's obligatory <div> around XHTML is not part of the text."""
    alone = len(element) == 1 and not (element.text or "").strip() and not (element[0].tail or "").strip()
    if alone and _local(element[0]) == "div":
        element = element[0]
    parts = [html.escape(element.text or "", quote=False)]
    parts += [etree.tostring(_without_prefixes(child), encoding="unicode", method="html") for child in element]
    return "".join(parts)


def _without_prefixes(element: Any) -> Any:
    """<xhtml:p> as <p>, which is all that HTML knows."""
    for inner in element.iter("{http://www.w3.org/1999/xhtml}*"):
        if re.fullmatch(r"[A-Za-z][\w-]*", _local(inner)):  # forgiven documents have tags such as ":00Z"
            inner.tag = _local(inner)
    return element


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
