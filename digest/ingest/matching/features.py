"""Describe a record by its names, figures, rare words and authors, and measure how similar two records are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

from digest.ingest.matching.terms import expand_token, find_coined_names, split_words, sum_rarity
from digest.text.names import build_name_keys, build_title_key, extract_surnames, fold_text, split_names
from digest.text.tex import convert_tex
from digest.urls import work_key
from digest.urls.arxiv import extract_arxiv_id, find_arxiv_ids
from digest.urls.canonical import build_match_url

T = TypeVar("T")
SIMILARITY_FEATURES = (
    "title", "nickname", "name_bits", "swapped", "vector", "shared_bits", "runs", "authors", "no_author", "days", "far",
    "short", "same_week", "coined", "title_bits", "strangers", "sibling", "together",
)  # fmt: skip

_SHARED_WORDS_SHARE = 0.3  # of the words of two texts on one work, weighted by rarity
_MIN_TEXT_BITS = 60.0  # some ten words; shared words of shorter texts prove little
_MIN_NAME_LETTERS = 3
_MAX_NAME_WORDS = 6
_SAME_WEEK_DAYS = 14  # two works of one name rarely appear so close
_COMMENT_TITLE = re.compile(
    r"(?:a )?(?:comments?|reply|response|rebuttal|critique|reproduc\w+)\b.* (?:on|to|of)\b", re.I
)
_YEAR = re.compile(r"(?:19|20)\d\d")
DISTINCTIVE_BITS = 8.0  # bits of a name that two works rarely share
_TEXT_CAP = 4000
_MAX_LINKS = 10
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
_PART_NUMBERS = {"i": "1", "v": "5", "ix": "9", "x": "10"} | {
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
    """A record of a matching task, or a stored item, with the features that matching needs."""

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
        return self.key.removeprefix("arxiv:") if self.key.startswith("arxiv:") else None

    @cached_property
    def title_key(self) -> str:
        return build_title_key(convert_tex(self.title))

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The title's words and figures; ordinals and Roman numerals become figures."""
        return _tokenise_title(convert_tex(self.title))

    @cached_property
    def name_tokens(self) -> tuple[str, ...]:
        """The tokens of the name: the title before its colon, without `Introducing` and `Technical Report`."""
        return _tokenise_title(_strip_title(_BRACKETED_END.sub("", self._title_parts[0]))) or self.tokens

    @cached_property
    def title_tokens(self) -> tuple[str, ...]:
        """The tokens of the whole title, without `Introducing` and `Technical Report`."""
        return _tokenise_title(_strip_title(convert_tex(self.title).strip())) or self.tokens

    @cached_property
    def name(self) -> str:
        """The name as one string: `DeepSeek V4` and `DeepSeek-V4` are both `deepseekv4`."""
        return "".join(self.name_tokens)

    @cached_property
    def full_name(self) -> str:
        return "".join(self.title_tokens)

    @cached_property
    def tail_name(self) -> str:
        """The title after its colon, or "" if that is too short to be a title."""
        tail = _tokenise_title(self._title_parts[1]) if len(self._title_parts) > 1 else ()
        return "".join(tail) if len(tail) > 2 else ""

    @cached_property
    def expanded_title(self) -> str:
        """The title with its abbreviations expanded."""
        return " ".join(self.tokens)

    @cached_property
    def _title_parts(self) -> list[str]:
        """The title before and after its colon."""
        return _HEAD_END.split(_GENRE_PREFIX.sub("", convert_tex(self.title).strip()), maxsplit=1)

    @cached_property
    def coined_names(self) -> dict[str, float]:
        """The distinctive names that the text introduces or the title has in brackets, with their bits."""
        bracketed = _BRACKETED_END.search(self._title_parts[0])
        coined = find_coined_names(self.text[:_TEXT_CAP]) + ([bracketed[0].strip(" ()")] if bracketed else [])
        bits_by_name = {"".join(name): measure_name_bits(name) for name in map(_tokenise_title, coined)}
        return {name: bits for name, bits in bits_by_name.items() if bits >= DISTINCTIVE_BITS}

    @cached_property
    def phrases(self) -> list[str]:
        """The names of title and text, and the links, as they are written: what a search index has."""
        bracketed = _BRACKETED_END.search(self._title_parts[0])
        names = [_strip_title(_BRACKETED_END.sub("", self._title_parts[0])), *self._title_parts[1:]]
        names += [_strip_title(convert_tex(self.title).strip()), *([bracketed[0].strip(" ()")] if bracketed else [])]
        names += find_coined_names(self.text[:_TEXT_CAP])
        links = [link.rstrip(".,;").split("://", 1)[1] for link in _URL.findall(self.text)[:_MAX_LINKS]]
        return list(dict.fromkeys(name for name in (*names, *links) if len(name) >= _MIN_NAME_LETTERS))

    @cached_property
    def text_words(self) -> frozenset[str]:
        """The words of title and text."""
        tokens = frozenset(split_words(fold_text(f"{convert_tex(self.title)} {self.text[:_TEXT_CAP]}")))
        return frozenset(word for token in tokens for word in expand_token(token))

    @cached_property
    def text_bits(self) -> float:
        """The sum of the bits of its words."""
        return sum_rarity(self.text_words)

    @cached_property
    def shingles(self) -> frozenset[int]:
        """Hashes of four consecutive words of the text."""
        tokens = split_words(fold_text(self.text[:_TEXT_CAP]))
        return frozenset(map(hash, zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False)))

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
        return frozenset([f"arxiv:{arxiv_id}" for arxiv_id in find_arxiv_ids(self.text)] + links) - {self.key}


def extract_figures(tokens: tuple[str, ...]) -> frozenset[str]:
    """Return the figures and plus signs, which distinguish editions."""
    return frozenset(token for token in tokens if token[0].isdigit() or token[0] == "+")


def measure_name_bits(tokens: tuple[str, ...]) -> float:
    """Measure how distinctive a name is, in bits."""
    return sum_rarity(token for token in tokens if token[0].isalnum())


def _strip_title(title: str) -> str:
    return _REPORT_SUFFIX.sub("", _TITLE_OPENING.sub("", title))


def _tokenise_title(title: str) -> tuple[str, ...]:
    title = _SERIES_PART.sub(lambda match: f"{match[1]} {_PART_NUMBERS[match[2].lower()]}", title)
    tokens = _TOKEN.findall(fold_text(_ROMAN_WORD.sub(lambda match: _ROMAN_NUMERALS[match[0]], title)))
    numbered = (_NUMBER_WORDS.get(token, token.removesuffix(".0")) for token in tokens)
    return tuple(word for token in numbered for word in expand_token(token))


def build_record_features(row: Mapping[str, Any], number: int = 0) -> RecordFeatures:
    """Build a record from a JSON object: record_id, source, arxiv_id, title, url, date, text, authors.

    The date is in the form of ISO 8601 or RFC 5322.
    """
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
    """Return the names of a list or of one line, else none."""
    if isinstance(given, str):
        return [given]
    return [str(name) for name in given] if isinstance(given, list | tuple) else []


def parse_record_date(text: object) -> datetime | None:
    """Parse a date in one of the two forms, or return None."""
    if not isinstance(text, str) or not text:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.strip())
        except (ValueError, OverflowError, IndexError, TypeError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def measure_similarity(left: RecordFeatures, right: RecordFeatures, vector: float) -> list[float]:
    """Measure a pair in the order of SIMILARITY_FEATURES; `vector` is the cosine of the texts' vectors."""
    shares_name = has_shared_name(left, right)
    texts = min(len(left.text), len(right.text))
    shared = sum_rarity(left.text_words & right.text_words) / max(_MIN_TEXT_BITS, min(left.text_bits, right.text_bits))
    authors = measure_overlap(left.author_keys, right.author_keys)
    # A journal publishes a paper long after arXiv, so a DOI's date proves nothing.
    is_journal = left.key.startswith("doi:") or right.key.startswith("doi:")
    days = 0 if is_journal else count_days_apart(left, right)
    shorter_name = min(left.name_tokens, right.name_tokens, key=lambda name: len("".join(name)))
    missing_share = max(0.0, _SHARED_WORDS_SHARE - shared) / _SHARED_WORDS_SHARE
    runs = measure_overlap(left.shingles, right.shingles) if min(len(left.shingles), len(right.shingles)) > 20 else 0.0
    same = left.full_name == right.full_name
    return [
        _measure_title_ratio(left, right) / 100,
        float(shares_name),
        measure_name_bits(shorter_name) / 30 if shares_name else 0.0,
        measure_swapped_words(left, right),
        vector,
        shared,
        runs or 0.0,
        authors if authors is not None else 0.0,
        float(authors == 0),
        0.0 if same else min(days, 720) / 360 if days is not None else 0.25,
        float(days is not None and days > 120 and not same),
        float(texts < 200),
        float(shares_name and days is not None and days <= _SAME_WEEK_DAYS),
        0.0 if shares_name else measure_coined_name(left, right) / 30,
        min(sum_rarity(set(left.tokens) & set(right.tokens)) / 40, 1.0),
        missing_share if shares_name and texts > 200 else 0.0,
        float(is_sibling_edition(left, right)),
        max(vector, 0.0) * shared,
    ]


def _measure_title_ratio(left: RecordFeatures, right: RecordFeatures) -> float:
    from rapidfuzz import fuzz

    return fuzz.token_sort_ratio(left.expanded_title, right.expanded_title)


def has_shared_name(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Return whether one record's title is the other's name, or both have the same name."""
    names, other_names = {left.name, left.full_name}, {right.name, right.full_name}
    shared = names & (other_names | {right.tail_name}) | other_names & {left.tail_name}
    return any(len(name) >= _MIN_NAME_LETTERS for name in shared)


def measure_coined_name(left: RecordFeatures, right: RecordFeatures) -> float:
    """Measure the name that one text introduces and the other's title has, or both introduce, in bits."""
    bits = right.coined_names | left.coined_names
    introduced, other_introduced = left.coined_names.keys(), right.coined_names.keys()
    shared = introduced & (other_introduced | {right.name}) | other_introduced & {left.name}
    return max((bits[name] for name in shared), default=0.0)


def is_sibling_edition(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Return whether one name extends the other: `Gemma 3`, `Gemma 3n`; `Qwen3`, `Qwen3-Omni`."""
    short, long = sorted((left.name_tokens, right.name_tokens), key=len)
    return len(long) <= _MAX_NAME_WORDS and _is_numbered_name(short) and set(short) < set(long)


def is_family_variant(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Return whether names of a numbered family differ in one word: `Nemotron 3 Super`, `Nemotron 3 Ultra`."""
    left_tokens, right_tokens = set(left.name_tokens), set(right.name_tokens)
    is_short = max(len(left_tokens), len(right_tokens)) <= _MAX_NAME_WORDS
    differ_in_one = len(left_tokens - right_tokens) == len(right_tokens - left_tokens) == 1
    return is_short and differ_in_one and _is_numbered_name(tuple(left_tokens & right_tokens))


def _is_numbered_name(tokens: tuple[str, ...]) -> bool:
    return bool(extract_figures(tokens)) and measure_name_bits(tokens) >= DISTINCTIVE_BITS


def is_other_edition(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Return whether figures distinguish the two (`Gemma 3`, `Gemma 4`), or one is a comment on the other."""
    if bool(_COMMENT_TITLE.match(left.title)) != bool(_COMMENT_TITLE.match(right.title)):
        return True
    if left.name != right.name and _join_letters(left.name_tokens) == _join_letters(right.name_tokens) != "":
        return extract_figures(left.name_tokens) ^ extract_figures(right.name_tokens) != {"1"}
    if _find_part_number(left) != _find_part_number(right):
        return True
    if has_shared_name(left, right):
        return False
    left_figures, right_figures = extract_figures(left.tokens), extract_figures(right.tokens)
    close = _measure_title_ratio(left, right) >= 70
    both = bool(left_figures - right_figures) and bool(right_figures - left_figures)
    return close and (both or any(_YEAR.fullmatch(figure) for figure in left_figures ^ right_figures))


def is_title_contained(left: RecordFeatures, right: RecordFeatures) -> bool:
    """Return whether the words of any weight in one title are all in the other."""
    own_bits = min(_measure_own_bits(left, right), _measure_own_bits(right, left))
    return own_bits < 3 and sum_rarity(set(left.tokens) & set(right.tokens)) >= DISTINCTIVE_BITS


def measure_swapped_words(left: RecordFeatures, right: RecordFeatures) -> float:
    """Measure the words that only one title has, for the title with fewer of them, in dozens of bits."""
    if has_shared_name(left, right) or measure_coined_name(left, right):
        return 0.0
    return min(_measure_own_bits(left, right), _measure_own_bits(right, left)) / 12


def measure_overlap(left: frozenset[T], right: frozenset[T]) -> float | None:
    """Return the shared part of the smaller set, or None when one is empty."""
    return len(left & right) / min(len(left), len(right)) if left and right else None


def count_days_apart(left: RecordFeatures, right: RecordFeatures) -> int | None:
    """Count the days between the two, or return None when one has no date."""
    return abs((left.published - right.published).days) if left.published and right.published else None


def _join_letters(tokens: tuple[str, ...]) -> str:
    """Return the letters of a name, without the `v` of a version and the like."""
    following = (*tokens[1:], "")
    letters = (
        token
        for token, after in zip(tokens, following, strict=False)
        if token[0].isalpha() and not (len(token) == 1 and after[:1].isdigit())
    )
    return "".join(letters) or "".join(token for token in tokens if token[0].isalpha())


def _find_part_number(record: RecordFeatures) -> str:
    """Return the part of a series that the title names, by default the first."""
    return next((after for word, after in pairwise(record.tokens) if word == "part" and after[0].isdigit()), "1")


def _measure_own_bits(left: RecordFeatures, right: RecordFeatures) -> float:
    own_tokens = set(left.title_tokens) - set(right.title_tokens)
    other_title = "".join(right.tokens)
    return sum_rarity(token for token in own_tokens if token[0].isalnum() and token not in other_title)
