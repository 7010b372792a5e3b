"""Recognise text that instructs a model rather than informs a reader.

A suspicious text is graded in a call of its own; it is not thrown out. The patterns are in `data/injection.toml`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from digest.llm.sanitize import BLANK_CHARACTERS, defang_links
from digest.text import normalise_line
from digest.text.sentences import split_sentences

_BIDI_OR_TAG = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
# Letters that pass for Latin ones; the rest of the confusables list is of no use in English words.
_LOOKALIKE = str.maketrans("аеорсухіјѕԁɡӏвмнткΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυ", "aeopcyxijsdgIvmhtkABEZHIKMNOPTYXoivu")
_MIXED_ALPHABETS = re.compile(r"(?i)\b(?=\w*[a-z])(?=\w*[а-яіјѕԁӏ])\w{4,}")
_SPELLED_OUT = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][ .\-_*]{1,2}){10,}|\b(?:[A-Za-z]-){4,}[A-Za-z]\b")
_ENCODED = re.compile(r"\b[A-Za-z0-9+/]{44,}={0,2}(?![\w/-])")
_LEET = re.compile(r"(?<=[A-Za-z])[013457]|[013457](?=[A-Za-z])")
_MIDDLE_DIGIT = re.compile(r"(?<![A-Za-z])[A-Za-z]+[013457]+[A-Za-z]+[013457]|[A-Za-z][013457][A-Za-z]{2}")
_LEET_LETTERS = dict(zip("013457", "oieast", strict=True))
_FOREIGN_SCRIPT = re.compile(
    r"(?:[\u0400-\u052f\u0590-\u074f\u0900-\u0dff\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af][\s,.。、]*){5}"
)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The compiled patterns of the data file; each of `orders` comes with words it cannot match without."""

    orders: Sequence[tuple[frozenset[str], re.Pattern[str]]]
    scripts: re.Pattern[str]
    markers: re.Pattern[str]
    suspicious: Sequence[re.Pattern[str]]
    foreign_words: frozenset[str]
    english_words: frozenset[str]


def find_injection(text: str) -> str | None:
    """Return the words by which a text seems to instruct a model, or None.

    Words in hidden elements count as much as visible ones.
    """
    patterns = _load_patterns()
    if not text.isascii():
        if hidden := _BIDI_OR_TAG.search(text):
            return f"hidden character U+{ord(hidden[0]):04X}"
        text = "".join(c for c in BLANK_CHARACTERS.sub("", text) if unicodedata.category(c) != "Cf")
        if mixed := _MIXED_ALPHABETS.search(text):
            return f"letters of two alphabets in {mixed[0]!r}"
        text = unicodedata.normalize("NFKC", text)
        if match := patterns.scripts.search(text):
            return _format_match(match)
    if match := patterns.markers.search(text) or _SPELLED_OUT.search(text) or _ENCODED.search(text):
        return _format_match(match)
    folded = text if text.isascii() else text.translate(_LOOKALIKE)
    forms = [folded]
    if _MIDDLE_DIGIT.search(folded):
        forms.append(_LEET.sub(lambda digit: _LEET_LETTERS[digit[0]], folded))
    for form in forms:
        tokens = set(re.findall(r"\w+", form.lower()))
        for needed, pattern in patterns.orders:
            if needed & tokens and (match := pattern.search(form)):
                return _format_match(match)
    return None


def is_suspicious(text: str) -> bool:
    """Return whether a text, cleaned for a prompt, holds anything that a model might take for an order.

    A suspicious text costs one more call, so false alarms are cheap here and misses are not: an order that shares its
    call may change the grades of its neighbours. About three in a hundred abstracts are caught, and most posts.
    """
    return bool(_FOREIGN_SCRIPT.search(text)) or any(
        _is_suspicious_sentence(sentence) for sentence in split_sentences(text)
    )


def _is_suspicious_sentence(sentence: str) -> bool:
    """Return whether a sentence may be an order, or is in another language that English letters write."""
    patterns = _load_patterns()
    if any(pattern.search(sentence) for pattern in patterns.suspicious):
        return True
    tokens = set(re.findall(r"[^\W\d_]+", sentence.lower()))
    return len(tokens & patterns.foreign_words) > max(1, 2 * len(tokens & patterns.english_words))


def _format_match(match: re.Match[str]) -> str:
    return defang_links(normalise_line(match[0])[:80])


@lru_cache(maxsize=1)
def _load_patterns() -> _Patterns:
    data = tomllib.loads((resources.files("digest") / "data" / "injection.toml").read_text(encoding="utf-8"))
    fragments = {name: _join(value) for name, value in data["fragments"].items()}

    def compile_pattern(alternatives: Sequence[str]) -> re.Pattern[str]:
        return re.compile(_expand("|".join(alternatives), fragments), re.IGNORECASE)

    return _Patterns(
        orders=[(frozenset(order["words"].split()), compile_pattern(order["patterns"])) for order in data["orders"]],
        scripts=compile_pattern(data["scripts"]["patterns"]),
        markers=compile_pattern(data["markers"]["patterns"]),
        suspicious=[compile_pattern([pattern]) for pattern in data["suspicious"]["patterns"]],
        foreign_words=frozenset(" ".join(data["languages"]["foreign"]).split()),
        english_words=frozenset(data["languages"]["english"].split()),
    )


def _join(fragment: str | Sequence[str]) -> str:
    """Return a fragment as one pattern; a list of alternatives becomes a group."""
    return fragment if isinstance(fragment, str) else f"(?:{'|'.join(fragment)})"


def _expand(pattern: str, fragments: Mapping[str, str]) -> str:
    """Replace `{{name}}` by the fragment of that name, again in what was inserted."""
    while (expanded := re.sub(r"\{\{(\w+)\}\}", lambda name: fragments[name[1]], pattern)) != pattern:
        pattern = expanded
    return pattern
