"""Escaped Markdown read back exactly, and the marks that carry keys through editors, Liquid and kramdown."""

from __future__ import annotations

import html
import re

from digest.markdown.escape import escape_markdown

_ESCAPED_CHARACTER = re.compile(r"\\([!-/:-@\[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DASH = re.compile(r"(?:^|(?<= ))—")
_MARK_SPECIALS = re.compile(r"[^A-Za-z0-9:/._~?=@+,;%!#*'()-]")
_NUMERIC_ENTITY = re.compile(r"&#(\d{1,7});")


def unescape_markdown(text: str) -> str:
    """The plain text behind escaped Markdown, however an editor escaped it."""
    return _ESCAPED_CHARACTER.sub(lambda m: m[1] or html.unescape(m[0]), text)


def escape_line_part(text: str, *, keep_dots: bool = False) -> str:
    """A text that stands between dashes and, unless `dots` are its own, between middle dots; on one line."""
    text = _DASH.sub("&#8212;", escape_markdown(text))
    return text if keep_dots else text.replace("·", "&#183;")


def encode_mark_value(value: str) -> str:
    """A value inside an HTML comment: nothing that Liquid, kramdown, a table or the comment's end could see."""
    return _MARK_SPECIALS.sub(lambda m: f"&#{ord(m[0])};", value).replace("--", "-&#45;")


def decode_mark_value(value: str) -> str:
    """What `mark_value` wrote."""
    return _NUMERIC_ENTITY.sub(lambda m: chr(min(int(m[1]), 0x10FFFF)), value)
