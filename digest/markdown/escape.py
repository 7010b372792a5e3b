"""The escape recipe: text and addresses that mean nothing to kramdown, CommonMark, Liquid or a mail service."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

from digest.text import one_line, strip_hidden


class Md(str):
    """Markdown that is already what it should be; whatever is made of it by string operations is plain text again."""

    __slots__ = ()


# `{` and `%` would be Liquid, `|` makes kramdown see a table, `$$` mathematics, `[^` a footnote, `]:` the address of a
# link, escaped or not. Entities survive them all, and the merge syntaxes of mail services too.
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    | {character: f"&#{ord(character)};" for character in "{}|`\\$~^"}
    | {character: f"\\{character}" for character in "*_[]#"}
)
_NUMBERED = re.compile(r"^(\d+)([.)])")
_OPENING = re.compile(r"^([+:=-])")
_CODE = re.compile(r"[&<>{}|`*_\[\]\\$~^#:\n\r]")

_PATH_SAFE = "/:@,;=~!-._?&+%"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def escape(text: str) -> Md:
    """One line of Markdown that shows `text` as it is, wherever a line may stand; marked Markdown passes unchanged."""
    if isinstance(text, Md):
        return text
    return opening(escape_inside(one_line(text)))


def escape_inside(text: str) -> Md:
    """The same in the middle of a line: outer spaces stay."""
    return Md(strip_hidden(text).translate(_ESCAPES).replace("\\]:", "\\]&#58;"))


def opening(line: str) -> Md:
    """A line that opens no list, heading or definition."""
    return Md(_OPENING.sub(r"\\\1", _NUMBERED.sub(r"\1\\\2", line)))


def escape_code(text: str) -> Md:
    """Text for the inside of raw `<code>` or `<pre>`: entities only, line ends too, so that it is always one line."""
    return Md(_CODE.sub(lambda found: f"&#{ord(found[0])};", strip_hidden(text)))


@lru_cache(maxsize=8192)
def link(address: str) -> str:
    """An http or https address with everything percent-encoded that a parser could trip over; else the empty string."""
    try:
        parts = urlsplit(strip_hidden(address).strip())
        port = f":{parts.port}" if parts.port else ""
        host = _host(parts.hostname or "")
    except ValueError:  # a bad port, a bracket without its fellow, a host that IDNA refuses
        return ""
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        return ""
    query = f"?{_quoted(parts.query)}" if parts.query else ""
    fragment = f"#{_quoted(parts.fragment)}" if parts.fragment else ""
    return f"{parts.scheme}://{host}{port}{_quoted(parts.path)}{query}{fragment}"


def _quoted(part: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe=_PATH_SAFE)


def _host(name: str) -> str:
    """The host in ASCII; raises ValueError for what is none."""
    ascii_ = name if name.isascii() else name.encode("idna").decode()
    if not re.fullmatch(r"[A-Za-z0-9._-]*", ascii_):
        raise ValueError(name)
    return ascii_
