"""HTML fragments as plain text."""

from __future__ import annotations

import html
import re

from digest.text import strip_hidden

_HIDDEN_ELEMENT = re.compile(r"(?is)<(script|style|template|noscript)\b.*?(?:</\1\s*>|$)|<!--.*?(?:-->|$)")
_TAG = re.compile(r"</?([A-Za-z!?/][A-Za-z0-9]*)[^<>]*>")
_HIDDEN_TAGS = frozenset({"script", "style", "template", "noscript"})
_BLOCK_TAGS = [
    "p",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "li",
    "blockquote",
    "tr",
    "ul",
    "ol",
    "pre",
    "section",
    "article",
    "br",
]
_INLINE_TAGS = [
    "a",
    "abbr",
    "b",
    "cite",
    "code",
    "del",
    "em",
    "font",
    "i",
    "ins",
    "kbd",
    "mark",
    "q",
    "s",
    "small",
    "strong",
    "sub",
    "sup",
    "tt",
    "u",
    "var",
    "wbr",
]
_TAG_SEPARATORS = {
    **dict.fromkeys((*_BLOCK_TAGS, *map(str.upper, _BLOCK_TAGS)), "\n\n"),
    **dict.fromkeys((*_INLINE_TAGS, *map(str.upper, _INLINE_TAGS)), ""),
}
_PARAGRAPH_BREAK = re.compile(r"\n\s*\n")


def html_to_text(markup: str) -> str:
    """Convert an HTML fragment to text with blank lines between paragraphs, without scripts and styles."""
    if "<" not in markup and "&" not in markup:
        return strip_hidden(markup).strip()
    pieces = _TAG.split(markup)  # a text, the name of a tag, a text …
    if "<!--" in markup or not _HIDDEN_TAGS.isdisjoint(map(str.lower, set(pieces[1::2]))):
        pieces = _TAG.split(_HIDDEN_ELEMENT.sub(" ", markup))
    pieces[1::2] = [_TAG_SEPARATORS.get(name, " ") for name in pieces[1::2]]
    text = html.unescape("".join(pieces))
    return "\n\n".join(line for part in _PARAGRAPH_BREAK.split(text) if (line := _normalise_paragraph(part)))


def _normalise_paragraph(text: str) -> str:
    if text.isprintable() and "  " not in text:  # then all its white space is single spaces
        return text.strip(" ")
    line = " ".join(text.split())
    return line if line.isprintable() else " ".join(strip_hidden(line).split())
