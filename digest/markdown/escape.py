"""Escape and unescape; safe links.

The escape recipe: text and addresses that mean nothing to kramdown, CommonMark, Liquid or a mail service.

Escaped Markdown read back exactly, and the marks that carry keys through editors, Liquid and kramdown.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from digest.text import normalise_line, strip_hidden


class SafeMarkdown(str):
    """Markdown that is already what it should be; whatever is made of it by string operations is plain text again."""

    __slots__ = ()


# `{` and `%` would be Liquid, `|` makes kramdown see a table, `$$` mathematics, `[^` a footnote, `]:` the address of a
# link, escaped or not. Entities survive them all, and the merge syntaxes of mail services too.
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
    """One line of Markdown that shows `text` as it is, wherever a line may stand; marked Markdown passes unchanged."""
    if isinstance(text, SafeMarkdown):
        return text
    return escape_line_start(escape_inline(normalise_line(text)))


def escape_inline(text: str) -> SafeMarkdown:
    """The same in the middle of a line: outer spaces stay."""
    return SafeMarkdown(strip_hidden(text).translate(_MARKDOWN_ESCAPES).replace("\\]:", "\\]&#58;"))


def escape_line_start(line: str) -> SafeMarkdown:
    """A line that opens no list, heading or definition."""
    return SafeMarkdown(_BLOCK_START.sub(r"\\\1", _ORDERED_LIST_START.sub(r"\1\\\2", line)))


def escape_code_text(text: str) -> SafeMarkdown:
    """Text for the inside of raw `<code>` or `<pre>`: entities only, line ends too, so that it is always one line."""
    return SafeMarkdown(_CODE_SPECIALS.sub(lambda found: f"&#{ord(found[0])};", strip_hidden(text)))


@lru_cache(maxsize=8192)
def encode_link(address: str) -> str:
    """An http or https address with everything percent-encoded that a parser could trip over; else the empty string."""
    try:
        parts = urlsplit(strip_hidden(address).strip())
        port = f":{parts.port}" if parts.port else ""
        host = _encode_host(parts.hostname or "")
    except ValueError:  # a bad port, a bracket without its fellow, a host that IDNA refuses
        return ""
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        return ""
    query = f"?{_quote_url_part(parts.query)}" if parts.query else ""
    fragment = f"#{_quote_url_part(parts.fragment)}" if parts.fragment else ""
    return f"{parts.scheme}://{host}{port}{_quote_url_part(parts.path)}{query}{fragment}"


def _quote_url_part(part: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe=_PATH_SAFE)


def _encode_host(name: str) -> str:
    """The host in ASCII; raises ValueError for what is none."""
    ascii_ = name if name.isascii() else name.encode("idna").decode()
    if not re.fullmatch(r"[A-Za-z0-9._-]*", ascii_):
        raise ValueError(name)
    return ascii_


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
