"""Find what can be verified in a sentence: numbers with units, names, praise, appeals, citations, links."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from digest.llm.sanitize import LINK_PATTERN
from digest.resources import load_lexicon
from digest.text import normalise_line

_LEXICON = load_lexicon()["claims"]


class NumberClaim(NamedTuple):
    """A number as written, its value scaled by k, M, B or million, and its unit if it is a known one."""

    text: str
    value: float
    unit: str


_DASHES = str.maketrans("‐‑‒–—−", "------")
_QUOTES = str.maketrans("‘’‚“”„«»", '\'\'\'"""""')
_TEX = re.compile(r"\\(?:text|mathrm|mathbf|textbf|textit|emph|textsc|mathcal|operatorname)\s*\{([^{}]*)\}")


def normalize_for_comparison(text: str) -> str:
    """Reduce a text to one spelling: NFKC, plain dashes and quotes, no light TeX."""
    text = normalise_line(text)
    if not text.isascii():
        # Soft hyphens and other format characters are not shown to a model.
        visible = "".join(c for c in text if unicodedata.category(c) != "Cf")
        text = unicodedata.normalize("NFKC", visible).translate(_DASHES).translate(_QUOTES)
    if "\\" in text or "$" in text:
        text = re.sub(r"\\times\b", "×", _TEX.sub(r"\1", text)).replace("\\%", "%").replace("\\sim", "~")
        text = re.sub(r"[${}]|\\(?=[_&#])", "", text)
    return re.sub(r"(?<=\d),(?=\d{3}\b)", "", re.sub(r"\s+", " ", text)).strip()


# The unit of "hundreds of".
MANY_UNIT = "many"
_NUMBER_WORDS = {
    **{word: value for value, word in enumerate(_LEXICON["units_from_three"], 3)},
    **{word: 10 * value for value, word in enumerate(_LEXICON["tens_from_twenty"], 2)},
}
_RATIOS = tuple((value, unit, re.compile(rf"\b(?:{ratio})\b", re.I)) for value, unit, ratio in _LEXICON["ratios"])
_SCALES: dict[str, float] = _LEXICON["scales"]
_UNITS = {spelling: unit for unit, spellings in _LEXICON["units"].items() for spelling in spellings.split()}
_RANGE_OF_CENTS = re.compile(r"(?: (?:and|to|or) |-)\d+(?:\.\d+)? cents?\b", re.I)
_CURRENCY_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP"}
_NUMBER = re.compile(
    r"(?<![\w.])(?<![^\W\d]-)(?P<money>[$€£])?(?P<digits>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r"(?:[\s-]?(?P<scale>thousand|million|billion|trillion|[kKMB](?:n\b|\b)|T\b))?"
    r"(?:[\s-]{0,2}(?P<unit>%|×|[A-Za-z]+))?"
    r"|\b(?P<word>" + "|".join(_NUMBER_WORDS) + r")\b(?:[\s-](?P<wordunit>[a-z]+))?",
    re.I,
)


def find_numbers(text: str) -> Iterator[NumberClaim]:
    """Yield the numbers of a normalised text, then ratio words such as `twice` or `hundreds of`.

    Digits inside names such as GPT-4 belong to the name.
    """
    for match in _NUMBER.finditer(text):
        if word := match["word"]:
            if not re.match(r"[ -](?:thirds|quarters)\b", text[match.end("word") :]):
                unit = _UNITS.get((match["wordunit"] or "").lower(), "")
                yield _convert_cents(NumberClaim(word, float(_NUMBER_WORDS[word.lower()]), unit))
            continue
        unit = _UNITS.get((match["unit"] or "").lower(), "")
        if not unit and _RANGE_OF_CENTS.match(text, match.end("digits")):
            unit = "cents"
        if unit in ("×", "seconds") and len(match["unit"] or "") == 1 and match["unit"] not in "xX×s":
            unit = ""
        value = float(match["digits"]) * _SCALES.get((match["scale"] or "").lower(), 1.0)
        end = match.end("unit") if unit else match.end("scale") if match["scale"] else match.end("digits")
        unit = _CURRENCY_SIGNS.get(match["money"] or "", unit)
        yield _convert_cents(NumberClaim(text[match.start() : end].rstrip(), value, unit))
    for value, unit, pattern in _RATIOS:
        yield from (NumberClaim(match[0], value, unit) for match in pattern.finditer(text))


def _convert_cents(number: NumberClaim) -> NumberClaim:
    return NumberClaim(number.text, round(number.value / 100, 6), "USD") if number.unit == "cents" else number


def find_sizes_in_names(text: str) -> Iterator[NumberClaim]:
    """Yield the sizes in names such as Lantern-7B, which a text with that name may give."""
    for match in re.finditer(r"(?<=\w-)(\d+(?:\.\d+)?)([kKMBT])\b", text):
        yield NumberClaim(match[0], float(match[1]) * _SCALES[match[2].lower()], "")


# Words that only a name has: inner capitals, runs of capitals, letters with digits.
_NAME = re.compile(
    r"(?<![\w@/.-])(?![\w+.-]{81})(?=[\w.+-]*[A-Za-z])(?:[A-Za-z]*[a-z][\w]*[A-Z][\w+.-]*\w|[A-Z][a-z]+[A-Z]+\b|[A-Z][A-Z0-9&+.-]*[A-Z0-9][\w+-]*"
    r"|[A-Za-z]+[-.]?\d[\w.+-]*\w|[A-Za-z]+[-.]?\d|\d+[A-Za-z]{2,}\d*[A-Z]\w*|[A-Z]\w+(?:-[A-Z0-9]\w*)+)"
)
_PROPER_NOUN = re.compile(r"(?<=[\w,;)'\"%-] )(?<![.!?:] )[\"'(]?([A-Z][a-zà-ÿ]+(?:'s)?)\b")
_SENTENCE_OPENING = re.compile(r"(?:^|[.!?:] )[\"'(]*([A-Z][a-zà-ÿ]+)(?= (\w+))")
# A third person, or a plural: both follow a noun.
_VERB_OR_PLURAL = re.compile(r"(?:is|was|has|does|[a-z]{2,}[^\Wsu]s)$")
_COMMON_ACRONYMS = frozenset(
    ("AI", "ML", "NLP", "LLM", "LLMs", "API", "APIs", "GPU", "GPUs", "CPU", "URL", "PDF", "US", "UK", "EU")
)
_NOT_NAMES = re.compile("".join(_LEXICON["not_names"]))


def find_names(text: str) -> Iterator[str]:
    """Yield names: by their letters, by a capital inside a sentence, by a verb after a first word."""
    for match in _NAME.finditer(text):
        if match[0] not in _COMMON_ACRONYMS and not re.fullmatch(r"(?i)\d+(?:st|nd|rd|th|d|x)", match[0]):
            yield match[0]
    for match in _PROPER_NOUN.finditer(text):
        if match[1] not in _COMMON_ACRONYMS:
            yield match[1].removesuffix("'s")
    for match in _SENTENCE_OPENING.finditer(text):
        if not _NOT_NAMES.match(match[1]) and not match[1].endswith("ing") and _VERB_OR_PLURAL.match(match[2]):
            yield match[1]


_PHRASES = {
    **{name: re.compile("".join(_LEXICON[name]), re.I) for name in ("praise", "reader_appeals", "well_known_names")},
    # Name et al. (2020), [12], arXiv:2301.00001, DOIs.
    "citations": re.compile(
        r"\b[A-Z][\w'-]{1,60} et al\.?(?:,? ?\(?\d{4}[a-z]?\)?)?|\b[A-Z][\w'-]{1,60}(?: and [A-Z][\w'-]{1,60})? \(\d{4}[a-z]?\)"
        r"|\([A-Z][\w'-]+(?: (?:and|&) [A-Z][\w'-]+| et al\.?)?,? \d{4}[a-z]?\)|\[\d+(?:[,-] ?\d+)*\]"
        r"|\barXiv:? ?\d{4}\.\d{4,5}|\b10\.\d{4,9}/\S+"
    ),
    # Of pages and people, also when they are written with [.].
    "addresses": LINK_PATTERN,
}


def find_phrases(kind: str, text: str) -> Iterator[str]:
    """Yield the phrases of one kind: praise, reader_appeals, well_known_names, citations or addresses."""
    trailing = ".,;:)" if kind == "addresses" else None
    return (match[0].strip().rstrip(trailing) for match in _PHRASES[kind].finditer(text))
