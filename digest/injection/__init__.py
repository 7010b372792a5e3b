"""Recognises text that instructs a model rather than informs a reader; a suspect is judged alone, not thrown out."""

from __future__ import annotations

import re
import unicodedata

from digest.hostile import BLANK_CHARACTERS, defang_links
from digest.injection import english, neighbours, pleas
from digest.injection.elsewhere import MARKER_PATTERN, SCRIPT_PATTERN
from digest.injection.wary import is_suspicious
from digest.text import normalise_line

__all__ = ["find_injection", "is_suspicious"]

_PATTERNS = (*english.ENGLISH_PATTERNS, *pleas.PLEA_PATTERNS, *neighbours.FOREIGN_PATTERNS)
_BIDI_OR_TAG = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
# Letters that pass for Latin ones; the rest of the confusables list is of no use in English words.
_LOOKALIKE = str.maketrans("аеорсухіјѕԁɡӏвмнткΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυ", "aeopcyxijsdgIvmhtkABEZHIKMNOPTYXoivu")
_MIXED_ALPHABETS = re.compile(r"(?i)\b(?=\w*[a-z])(?=\w*[а-яіјѕԁӏ])\w{4,}")

_SPELLED_OUT = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][ .\-_*]{1,2}){10,}|\b(?:[A-Za-z]-){4,}[A-Za-z]\b")
_ENCODED = re.compile(r"\b[A-Za-z0-9+/]{44,}={0,2}(?![\w/-])")
_LEET = re.compile(r"(?<=[A-Za-z])[013457]|[013457](?=[A-Za-z])")
_MIDDLE_DIGIT = re.compile(r"(?<![A-Za-z])[A-Za-z]+[013457]+[A-Za-z]+[013457]|[A-Za-z][013457][A-Za-z]{2}")
_LEET_LETTERS = dict(zip("013457", "oieast", strict=True))


def find_injection(text: str) -> str | None:
    """The words by which a text seems to instruct a model rather than a reader, or None.

    Words in hidden elements count as much as visible ones.
    """
    if not text.isascii():
        if hidden := _BIDI_OR_TAG.search(text):
            return f"hidden character U+{ord(hidden[0]):04X}"
        text = "".join(c for c in BLANK_CHARACTERS.sub("", text) if unicodedata.category(c) != "Cf")
        if mixed := _MIXED_ALPHABETS.search(text):
            return f"letters of two alphabets in {mixed[0]!r}"
        text = unicodedata.normalize("NFKC", text)
        if found := SCRIPT_PATTERN.search(text):
            return _format_match(found[0])
    if found := MARKER_PATTERN.search(text) or _SPELLED_OUT.search(text) or _ENCODED.search(text):
        return _format_match(found[0])
    folded = text if text.isascii() else text.translate(_LOOKALIKE)
    forms = [folded]
    if _MIDDLE_DIGIT.search(folded):
        forms.append(_LEET.sub(lambda digit: _LEET_LETTERS[digit[0]], folded))
    for form in forms:
        words = set(re.findall(r"\w+", form.lower()))
        for needed, pattern in _PATTERNS:
            if needed & words and (found := pattern.search(form)):
                return _format_match(found[0])
    return None


def _format_match(words: str) -> str:
    return defang_links(normalise_line(words)[:80])
