"""A record as the matcher sees it: its name, the figures in it, its rare words, its authors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from digest.intake.rarity import split_words, sum_rarity
from digest.intake.terms import expand_token, find_coined_names
from digest.text.names import build_name_keys, build_title_key, extract_surnames, fold_text, split_names
from digest.text.tex import convert_tex
from digest.urls import build_match_url, extract_arxiv_id, find_arxiv_ids, work_key

DISTINCTIVE_BITS = 8.0  # bits in a name of which one expects to meet no second bearer soon
_TEXT_CAP = 4000
_HEAD_END = re.compile(r"\s*[:：–—|]\s*|\s-+\s|\?\s+(?=\w)")
_GENRE_PREFIX = re.compile(
    r"^[(\[]?(?:position(?: paper)?|survey|review|perspective|opinion|tutorial|demo|poster|short paper|case study|blog|"
    r"extended abstract|research|news|paper|new paper|technical report)[)\]]?"
    r"(?:\s*[:：–—|]\s*|\s-+\s|(?<=[)\]])\s*)(?=\w)",
    re.I,
)
_BRACKETED_END = re.compile(r"\s*\([^()]*\)\s*$")
_TITLE_OPENING = re.compile(r"^(?:introducing|announcing|meet|presenting|the|an?)\s+", re.I)
_REPORT_SUFFIX = re.compile(
    r"[\s:,-]*\b(?:technical|tech|final|system|model)\s+(?:report|card)\b.*$|[\s:,-]+(?:white)?paper$|[\s:,-]+report$",
    re.I,
)
_NUMBER_WORDS = {
    word: str(number)
    for number, pair in enumerate(
        (
            *("first 1st", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th", "seventh 7th"),
            *("eighth 8th", "ninth 9th", "tenth 10th", "eleventh 11th", "twelfth 12th", "thirteenth 13th"),
        ),
        start=1,
    )
    for word in pair.split()
}
_ROMAN_NUMERALS = {"II": "2", "III": "3", "IV": "4", "VI": "6", "VII": "7", "VIII": "8"}
_ROMAN_WORD = re.compile(rf"\b(?:{'|'.join(_ROMAN_NUMERALS)})\b")
_PART_NUMBERS = {
    "i": "1",
    "v": "5",
    "ix": "9",
    "x": "10",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
}
_SERIES_PART = re.compile(rf"\b(part|volume|vol|chapter|episode)\.?\s+({'|'.join(_PART_NUMBERS)})\b", re.I)
_TOKEN = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)*|\+\+?", re.UNICODE)
_URL = re.compile(r"https?://[^\s<>\"')\]]+")


@dataclass
class RecordFeatures:
    """One line of a matching task, or one stored item: who says what, where and when."""

    record_id: str
    source: str = ""
    key: str = ""
    title: str = ""
    url: str = ""
    text: str = ""
    authors: list[str] = field(default_factory=list)
    published: datetime | None = None

    @cached_property
    def arxiv_id(self) -> str | None:
        """The arXiv id that is the record's own identity."""
        return self.key.removeprefix("arxiv:") if self.key.startswith("arxiv:") else None

    @cached_property
    def title_key(self) -> str:
        return build_title_key(convert_tex(self.title))

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The title's words and figures, ordinals and Roman numbers as figures."""
        return _tokenise_title(convert_tex(self.title))

    @cached_property
    def name_tokens(self) -> tuple[str, ...]:
        """What the work is called: the title before its colon, without `Introducing` and `Technical Report`."""
        return _tokenise_title(_strip_title(_BRACKETED_END.sub("", self._title_parts[0]))) or self.tokens

    @cached_property
    def title_tokens(self) -> tuple[str, ...]:
        """The whole title in the same way."""
        return _tokenise_title(_strip_title(convert_tex(self.title).strip())) or self.tokens

    @cached_property
    def name(self) -> str:
        """The head as one string: `DeepSeek V4` and `DeepSeek-V4` are both `deepseekv4`."""
        return "".join(self.name_tokens)

    @cached_property
    def full_name(self) -> str:
        return "".join(self.title_tokens)

    @cached_property
    def tail_name(self) -> str:
        """What stands behind the colon, "" where that is too short to be a title of its own."""
        tail = _tokenise_title(self._title_parts[1]) if len(self._title_parts) > 1 else ()
        return "".join(tail) if len(tail) > 2 else ""

    @cached_property
    def expanded_title(self) -> str:
        """The title with its abbreviations written out, words apart by one space."""
        return " ".join(self.tokens)

    @cached_property
    def _title_parts(self) -> list[str]:
        """The title before and behind its colon."""
        return _HEAD_END.split(_GENRE_PREFIX.sub("", convert_tex(self.title).strip()), maxsplit=1)

    @cached_property
    def coined_names(self) -> dict[str, float]:
        """The telling names that the text introduces, and the one that the title has in brackets, with their bits."""
        aside = _BRACKETED_END.search(self._title_parts[0])
        found = find_coined_names(self.text[:_TEXT_CAP]) + ([aside[0].strip(" ()")] if aside else [])
        names = {"".join(name): measure_name_bits(name) for name in map(_tokenise_title, found)}
        return {name: found for name, found in names.items() if found >= DISTINCTIVE_BITS}

    @cached_property
    def text_words(self) -> frozenset[str]:
        """The words of title and text."""
        found = split_words(fold_text(f"{convert_tex(self.title)} {self.text[:_TEXT_CAP]}"))
        return frozenset(word for each in frozenset(found) for word in expand_token(each))

    @cached_property
    def text_bits(self) -> float:
        """The bits in all its words."""
        return sum_rarity(self.text_words)

    @cached_property
    def shingles(self) -> frozenset[int]:
        """Hashes of the text's runs of four words."""
        words = split_words(fold_text(self.text[:_TEXT_CAP]))
        return frozenset(map(hash, zip(words, words[1:], words[2:], words[3:], strict=False)))

    @cached_property
    def surnames(self) -> frozenset[str]:
        return extract_surnames(self.authors)

    @cached_property
    def author_keys(self) -> frozenset[str]:
        """Initials with surnames."""
        return build_name_keys(self.authors)

    @cached_property
    def referenced_keys(self) -> frozenset[str]:
        """The keys of works that the text names by id or link."""
        links = [work_key(link.rstrip(".,;")) for link in _URL.findall(self.text)] if "http" in self.text else []
        return frozenset([f"arxiv:{found}" for found in find_arxiv_ids(self.text)] + links) - {self.key}


def extract_figures(tokens: tuple[str, ...]) -> frozenset[str]:
    """The figures and plus signs among tokens, which tell editions apart."""
    return frozenset(token for token in tokens if token[0].isdigit() or token[0] == "+")


def measure_name_bits(tokens: tuple[str, ...]) -> float:
    """How telling a name is."""
    return sum_rarity(token for token in tokens if token[0].isalnum())


def _strip_title(title: str) -> str:
    return _REPORT_SUFFIX.sub("", _TITLE_OPENING.sub("", title))


def _tokenise_title(title: str) -> tuple[str, ...]:
    title = _SERIES_PART.sub(lambda match: f"{match[1]} {_PART_NUMBERS[match[2].lower()]}", title)
    found = _TOKEN.findall(fold_text(_ROMAN_WORD.sub(lambda match: _ROMAN_NUMERALS[match[0]], title)))
    numbered = (_NUMBER_WORDS.get(token, token.removesuffix(".0")) for token in found)
    return tuple(word for token in numbered for word in expand_token(token))


def build_record_features(row: Mapping[str, Any], number: int = 0) -> RecordFeatures:
    """A record from a JSON line: record_id, source, arxiv_id, title, url, date (ISO 8601, RFC 5322), text, authors."""
    url = str(row.get("url") or "")
    identifier = extract_arxiv_id(str(row.get("arxiv_id") or ""))
    key = f"arxiv:{identifier}" if identifier else work_key(url) if url else ""
    return RecordFeatures(
        record_id=next(
            (str(row[name]) for name in ("record_id", "id") if row.get(name) not in (None, "")), str(number)
        ),
        source=str(row.get("source") or ""),
        key=key,
        title=str(row.get("title") or ""),
        url=build_match_url(url) if url else "",
        text=str(row.get("text") or row.get("summary") or row.get("abstract") or ""),
        authors=split_names(_list_names(row.get("authors"))),
        published=parse_record_date(row.get("date") or row.get("published")),
    )


def _list_names(given: object) -> list[str]:
    """Names as a list holds them, or as one line does; anything else names nobody."""
    if isinstance(given, str):
        return [given]
    return [str(name) for name in given] if isinstance(given, list | tuple) else []


def parse_record_date(text: object) -> datetime | None:
    """A date in one of the two forms that feeds and lists use, or None."""
    if not isinstance(text, str) or not text:
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text.strip())
        except (ValueError, OverflowError, IndexError, TypeError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None
