"""Plain text in Markdown and back, exactly; and the marks that carry keys through editors, Liquid and kramdown."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

from digest.text import one_line

_ENTITY = {ord(c): f"&#{ord(c)};" for c in "{}|\\`$~^"} | {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_ENTITY |= {ord(c): f"\\{c}" for c in "*_[]#"}
_START = re.compile(r"^(\d+)([.)])|^([+:=-])")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DASH = re.compile(r"(?:^|(?<= ))—")
_BARE = re.compile(r"[^A-Za-z0-9:/._~?=@+,;%!#*'()-]")
_NUMBER = re.compile(r"&#(\d+);")
_URL_SAFE = "/:@,;=~!-._?&%#+"
_WEB = re.compile(r"(?i)https?://[^/\s]")


def escape(text: str) -> str:
    """One line of plain text as Markdown that shows exactly it, in kramdown and CommonMark alike."""
    return _START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", text.translate(_ENTITY))


def unescape(text: str) -> str:
    """The plain text behind escaped Markdown, however an editor escaped it."""
    return _ESCAPED.sub(lambda m: m[1] or html.unescape(m[0]), text)


def escape_part(text: str, *, dots: bool = False) -> str:
    """A text that stands between dashes and, unless `dots` are its own, between middle dots; on one line."""
    text = _DASH.sub("&#8212;", escape(one_line(text)))
    return text if dots else text.replace("·", "&#183;")


def mark_value(value: str) -> str:
    """A value inside an HTML comment: nothing that Liquid, kramdown, a table or the comment's end could see."""
    return _BARE.sub(lambda m: f"&#{ord(m[0])};", value).replace("--", "-&#45;")


def mark_text(value: str) -> str:
    """What `mark_value` wrote."""
    return _NUMBER.sub(lambda m: chr(int(m[1])), value)


def safe_url(url: str) -> str:
    """A web address in which no Markdown parser finds a syntax; empty for anything but http and https."""
    return quote(url.strip(), safe=_URL_SAFE) if _WEB.match(url.strip()) else ""
