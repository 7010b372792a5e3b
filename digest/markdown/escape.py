"""Escape text and links for kramdown, CommonMark, Liquid and mail services, and unescape them exactly."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from digest.text import normalise_line, strip_hidden


class SafeMarkdown(str):
    """Escaped Markdown. String operations return plain text again."""

    __slots__ = ()


# `{` and `%` would be Liquid; for kramdown `|` is a table, `$$` mathematics, `[^` a footnote and `]:` the address of a
# link, escaped or not. All of them, and the merge syntaxes of mail services, leave entities alone.
_MARKDOWN_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    | {character: f"&#{ord(character)};" for character in "{}|`\\$~^"}
    | {character: f"\\{character}" for character in "*_[]#"}
)
_ORDERED_LIST_START = re.compile(r"^(\d+)([.)])")
_BLOCK_START = re.compile(r"^([+:=-])")
_CODE_SPECIALS = re.compile(r"[&<>{}|`*_\[\]\\$~^#:\n\r]")

_PATH_SAFE = "/:@,;=~!-._?&+%"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def escape_markdown(text: str) -> SafeMarkdown:
    """Return one line of Markdown that shows `text` unchanged on any line; SafeMarkdown passes as it is."""
    if isinstance(text, SafeMarkdown):
        return text
    return escape_line_start(escape_inline(normalise_line(text)))


def escape_inline(text: str) -> SafeMarkdown:
    """Escape text for the middle of a line, with its outer spaces."""
    return SafeMarkdown(strip_hidden(text).translate(_MARKDOWN_ESCAPES).replace("\\]:", "\\]&#58;"))


def escape_line_start(line: str) -> SafeMarkdown:
    """Escape the start of a line, so that it opens no list, heading or definition."""
    return SafeMarkdown(_BLOCK_START.sub(r"\\\1", _ORDERED_LIST_START.sub(r"\1\\\2", line)))


def escape_code_text(text: str) -> SafeMarkdown:
    """Escape text for raw `<code>` or `<pre>` by entities only, line ends too, so that it is one line."""
    return SafeMarkdown(_CODE_SPECIALS.sub(lambda match: f"&#{ord(match[0])};", strip_hidden(text)))


@lru_cache(maxsize=8192)
def encode_link(address: str) -> str:
    """Return an http or https URL, percent-encoded for every parser, or "" for any other."""
    try:
        parts = urlsplit(strip_hidden(address).strip())
        port = f":{parts.port}" if parts.port else ""
        host = _encode_host(parts.hostname or "")
    except ValueError:  # a bad port, an unpaired bracket, a host that IDNA refuses
        return ""
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        return ""
    path, query, fragment = (
        quote(_STRAY_PERCENT.sub("%25", part), safe=_PATH_SAFE) for part in (parts.path, parts.query, parts.fragment)
    )
    tail = (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    return f"{parts.scheme}://{host}{port}{path}{tail}"


def _encode_host(name: str) -> str:
    """Encode a host name in ASCII. Raises ValueError if it is none."""
    ascii_ = name if name.isascii() else name.encode("idna").decode()
    if not re.fullmatch(r"[A-Za-z0-9._-]*", ascii_):
        raise ValueError(name)
    return ascii_


_ESCAPED_CHARACTER = re.compile(r"\\([!-/:-@\[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DASH = re.compile(r"(?:^|(?<= ))—")
_MARK_SPECIALS = re.compile(r"[^A-Za-z0-9:/._~?=@+,;%!#*'()-]")
_NUMERIC_ENTITY = re.compile(r"&#(\d{1,7});")


def unescape_markdown(text: str) -> str:
    """Return the plain text of escaped Markdown, however an editor escaped it."""
    return _ESCAPED_CHARACTER.sub(lambda m: m[1] or html.unescape(m[0]), text)


def escape_line_part(text: str, *, keep_dots: bool = False) -> str:
    """Escape one field of a line whose fields are separated by dashes and, unless `keep_dots`, by middle dots."""
    text = _DASH.sub("&#8212;", escape_markdown(text))
    return text if keep_dots else text.replace("·", "&#183;")


def encode_mark_value(value: str) -> str:
    """Encode a value for an HTML comment, safe from Liquid, kramdown, tables and the end of the comment."""
    return _MARK_SPECIALS.sub(lambda m: f"&#{ord(m[0])};", value).replace("--", "-&#45;")


def decode_mark_value(value: str) -> str:
    """Decode a value of `encode_mark_value`."""
    return _NUMERIC_ENTITY.sub(lambda m: chr(min(int(m[1]), 0x10FFFF)), value)
