"""White space, hidden characters, slugs, hashes and bylines of text."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

# C0/C1 controls, bidi marks and overrides, zero-width and tag characters, BOM, noncharacters. TAB, LF, CR survive.
_HIDDEN_CHARACTER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s+")


def strip_hidden(text: str) -> str:
    """Remove characters that no reader sees and that break XML, headers or reading order."""
    if text.isprintable() or text.replace("\n", "").isprintable():
        return text
    return _HIDDEN_CHARACTER.sub("", _SURROGATE.sub("\ufffd", text))


def sanitise_for_terminal(text: str) -> str:
    """Remove what would colour a terminal, move its cursor or reverse its text."""
    return strip_hidden(text).replace("\r", " ")


def escape_hidden_in_json(document: str) -> str:
    """Escape hidden characters in a JSON document without changing its values."""
    return _HIDDEN_CHARACTER.sub(lambda match: json.dumps(match[0])[1:-1], document)


def normalise_line(text: str) -> str:
    """Fold a text into one visible line in NFC."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return _SPACE.sub(" ", strip_hidden(unicodedata.normalize("NFC", text))).strip()


def slugify(text: str, fallback: str = "x") -> str:
    """Reduce a text to lower-case ASCII words joined by hyphens, at most 60 characters."""
    ascii_ = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_.lower()).strip("-")[:60].strip("-") or fallback


def hash_texts(*parts: str) -> str:
    """Hash texts in order, to 32 hexadecimal digits."""
    return sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def dump_json_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    r"""Write one JSON object a line; lone surrogates stay escaped (\ud800)."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(errors="backslashreplace")


def format_byline(authors: Sequence[str]) -> str:
    """Format authors as `A`, `A and B` or `A et al.`, by their number."""
    if len(authors) > 2:
        return f"{authors[0]} et al."
    return " and ".join(authors)


def format_count(count: int, noun: str, plural: str = "") -> str:
    """Format a count with its noun, in the plural unless there is one."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"


def list_first_names(names: Sequence[str], max_count: int = 5) -> str:
    """List the first names, and count the others."""
    rest = len(names) - max_count
    return ", ".join(names) if rest < 2 else f"{', '.join(names[:max_count])} and {rest} more"


def shorten_text(text: str, max_length: int) -> str:
    """At most so many characters, cut between words."""
    return text if len(text) <= max_length else text[: max_length - 2].rsplit(" ", 1)[0] + " …"
