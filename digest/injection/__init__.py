"""Recognises text that instructs a model rather than informs a reader; a suspect is judged alone, not thrown out."""

from __future__ import annotations

import re
import unicodedata

from digest.hostile import BLANK, defanged
from digest.injection import english, neighbours, pleas
from digest.injection.elsewhere import MARKS, SCRIPTS
from digest.injection.wary import may_instruct
from digest.text import one_line

__all__ = ["looks_injected", "may_instruct"]

_ORDERS = (*english.ORDERS, *pleas.ORDERS, *neighbours.ORDERS)
_BIDI_OR_TAG = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
# Letters that pass for Latin ones; the rest of the confusables list is of no use in English words.
_LOOKALIKE = str.maketrans("аеорсухіјѕԁɡӏвмнткΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινυ", "aeopcyxijsdgIvmhtkABEZHIKMNOPTYXoivu")
_MIXED = re.compile(r"(?i)\b(?=\w*[a-z])(?=\w*[а-яіјѕԁӏ])\w{4,}")

_SPELT = re.compile(r"(?<![A-Za-z])(?:[A-Za-z][ .\-_*]{1,2}){10,}|\b(?:[A-Za-z]-){4,}[A-Za-z]\b")
_ENCODED = re.compile(r"\b[A-Za-z0-9+/]{44,}={0,2}(?![\w/-])")
_LEET = re.compile(r"(?<=[A-Za-z])[013457]|[013457](?=[A-Za-z])")
_MIDDLE_DIGIT = re.compile(r"(?<![A-Za-z])[A-Za-z]+[013457]+[A-Za-z]+[013457]|[A-Za-z][013457][A-Za-z]{2}")
_LETTER = dict(zip("013457", "oieast", strict=True))


def looks_injected(text: str) -> str | None:
    """The words by which a text seems to instruct a model rather than a reader, or None.

    Words in hidden elements count as much as visible ones.
    """
    if not text.isascii():
        if hidden := _BIDI_OR_TAG.search(text):
            return f"hidden character U+{ord(hidden[0]):04X}"
        text = "".join(c for c in BLANK.sub("", text) if unicodedata.category(c) != "Cf")
        if mixed := _MIXED.search(text):
            return f"letters of two alphabets in {mixed[0]!r}"
        text = unicodedata.normalize("NFKC", text)
        if found := SCRIPTS.search(text):
            return _shown(found[0])
    if found := MARKS.search(text) or _SPELT.search(text) or _ENCODED.search(text):
        return _shown(found[0])
    folded = text if text.isascii() else text.translate(_LOOKALIKE)
    forms = [folded]
    if _MIDDLE_DIGIT.search(folded):
        forms.append(_LEET.sub(lambda digit: _LETTER[digit[0]], folded))
    for form in forms:
        words = set(re.findall(r"\w+", form.lower()))
        for needed, pattern in _ORDERS:
            if needed & words and (found := pattern.search(form)):
                return _shown(found[0])
    return None


def _shown(words: str) -> str:
    return defanged(one_line(words)[:80])
