"""Lists of authors, and keys by which names and titles are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_ONE_NAME = re.compile(r"(?!by )[^\W\d_][\w.'’-]*(?: (?!and |und |y |et )[^\W\d_][\w.'’-]*){0,5}", re.I)
_MAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+ ?\(([^()]+)\)|<[^<>@]*@[^<>]*>|[^\s@<>]+@[^\s@<>]+")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_BRACKETS = re.compile(r" ?\([^()]*\)| ?\[[^\[\]]*\]")
_NAME_SEPARATOR = re.compile(r"\s*(?:;|\||、|·|\n|,?\s+(?:and|und|y|et|&)\s+)\s*")
_BY = re.compile(r"^(?:written\s+)?by\s+", re.I)
_SUFFIX = re.compile(r"(?:jr|sr|ph\.?d|m\.?d|i{2,3}|iv)\.?", re.I)
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[\W_]+")
_PLUS = re.compile(r"(?<=\w)\+")


def split_names(author_entries: Iterable[str]) -> list[str]:
    """Split what feeds give into names: `A, B and C (Lab)`, `Doe, Jane`, `a@b.org (Jane Doe)`."""
    names: list[str] = []
    for entry in author_entries:
        names.extend([" ".join(entry.split())] if _ONE_NAME.fullmatch(entry) else _split_entry(entry))
    return list(dict.fromkeys(name for name in names if name))


def _split_entry(entry: str) -> list[str]:
    entry = _SPACE.sub(" ", _TAG.sub("", entry))
    entry = _BRACKETS.sub("", _MAIL.sub(lambda match: match[1] or "", entry) if "@" in entry else entry)
    entry = _BY.sub("", _SPACE.sub(" ", entry).strip())
    pieces = [piece.strip(" ,") for piece in _NAME_SEPARATOR.split(entry)]
    if any(len(piece.split()) < 2 for piece in pieces) and "," not in entry and ";" not in entry:
        pieces = [entry]  # "Research and Development" is one name
    return [name for piece in pieces for name in _split_at_commas(piece)]


def _split_at_commas(piece: str) -> list[str]:
    """Split `Jane Doe, John Roe`, but read `Doe, Jane` as one name and keep suffixes."""
    parts: list[str] = []
    for part in (p.strip() for p in piece.split(",")):
        if parts and _SUFFIX.fullmatch(part):
            parts[-1] += f", {part}"
        elif part:
            parts.append(part)
    if len(parts) == 2 and " " not in parts[0] and len(parts[1].split()) <= 2:
        return [f"{parts[1]} {parts[0]}"]
    return parts


def fold_text(text: str) -> str:
    """Fold case, accents and compatibility forms: `Müller` equals `MULLER`, ² equals 2."""
    if text.isascii():
        return text.lower()
    wide = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in wide if not unicodedata.combining(char))


def extract_surname(name: str) -> str:
    """Return the folded last word of a name, without suffixes."""
    parts = [word for word in fold_text(name).replace(",", " ").split() if not _SUFFIX.fullmatch(word)]
    return _NOT_WORD.sub("", parts[-1]) if parts else ""


def extract_surnames(names: Iterable[str]) -> frozenset[str]:
    return frozenset(family_name for name in names if (family_name := extract_surname(name)))


def build_name_keys(names: Iterable[str]) -> frozenset[str]:
    """Build initial and surname of each person: common surnames alone match strangers."""
    return frozenset(
        f"{fold_text(name.strip())[:1]} {family_name}" for name in names if (family_name := extract_surname(name))
    )


def build_title_key(title: str) -> str:
    """Fold a title to letters and figures with single spaces, for comparison across sources."""
    plain = fold_text(title)
    return _NOT_WORD.sub(" ", _PLUS.sub(" plus", plain) if "+" in plain else plain).strip()
