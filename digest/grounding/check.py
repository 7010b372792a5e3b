"""Checks a sentence against the stored text it rests on. It cannot see a wrong relation between two true things."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from digest.grounding import claims, directions, relations
from digest.hostile import defanged
from digest.injection import looks_injected
from digest.text import sentences

if TYPE_CHECKING:
    from digest.vectors import Vectors

WRONG_ITEM = 0.4  # cosine; 98 of 100 blurbs of another paper lie below 0.5, 3 of 100 of the right one below 0.4
WRONG_WORDS = 0.5  # the share of a text's words that the source has too
EVIDENCE_WORDS = 4
_ROUNDED = 3  # per cent by which a half or a third may be off
_MONEY = frozenset({"USD", "EUR", "GBP"})


class Flag(NamedTuple):
    """A string without support, and of what sort: number, name, hype, citation, link, polarity, ..."""

    kind: str
    text: str

    def __str__(self) -> str:
        """As a person is shown it: an address in it is no link any more."""
        return f"{self.kind}: {defanged(self.text)}"


class Source(NamedTuple):
    """The stored text of an item, as the check reads it; made once with `source_of`."""

    text: str
    folded: str
    words: frozenset[str]
    numbers: frozenset[tuple[float, str]]
    near: str  # what the text is about, for the vectors
    pieces: tuple[str, ...]  # its sentences


def source_of(title: str, summary: str, content: str = "") -> Source:
    """Prepare an item's stored text for any number of checks."""
    text = claims.normal(". ".join(part for part in (title, summary, content) if part.strip()))
    found = frozenset((number.value, number.unit) for number in (*claims.numbers(text), *claims.sizes(text)))
    near = f"{title}. {summary or content[:1500]}"
    return Source(text, text.casefold(), _words(text), found, near, tuple(sentences(text)))


def check(
    text: str, source: Source, evidence: Sequence[str] | None = None, vectors: Vectors | None = None
) -> tuple[Flag, ...]:
    """What of `text` the source does not support, in reading order; empty when every check passes.

    Sentences that stand verbatim in the source are believed, unless they instruct a model. With `evidence` (a quotation
    per claim), each must be found in the source too; with `vectors`, a text about something else is flagged as such.
    """
    own = [piece for piece in sentences(text) if not _stands_in(piece, source)]
    flags = [flag for piece in own for kind in CHECKS for flag in _of(kind, claims.normal(piece), source)]
    if order := looks_injected(text):
        flags.append(Flag("instruction", order))
    if evidence is not None:
        flags += _evidence(evidence, source)
    if vectors is not None and own and _elsewhere(text, source, vectors):
        flags.append(Flag("subject", "reads like another item"))
    return tuple(dict.fromkeys(flags))


def _of(kind: str, piece: str, source: Source) -> Iterator[Flag]:
    return (Flag(kind, found) for found in CHECKS[kind](piece, source))


def _stands_in(piece: str, source: Source) -> bool:
    return claims.normal(piece).casefold().strip(" .…\"'") in source.folded


def _numbers(piece: str, source: Source) -> Iterator[str]:
    """A number needs its value in the source, with the same unit or with none that we know."""
    names = frozenset(claims.names(piece))
    return (n.text for n in claims.numbers(piece) if n.text not in names and not _counted(n, source))


def _counted(number: claims.Number, source: Source) -> bool:
    """Whether the source has a number; "hundreds of" needs one of that size, money and words as `twice` their unit."""
    if number.unit == claims.MANY:
        return any(number.value <= value < 100 * number.value for value, _ in source.numbers)
    rounded = number.unit == "%" and number.text[0].isalpha()  # half, a third
    if rounded and any(unit == "%" and abs(value - number.value) <= _ROUNDED for value, unit in source.numbers):
        return True
    units = {unit for value, unit in source.numbers if value == number.value}
    exact = number.unit in _MONEY or (number.unit == "×" and number.text[0].isalpha())
    return number.unit in units or (bool(units) and not exact and (not number.unit or "" in units))


def _names(piece: str, source: Source) -> Iterator[str]:
    for name in claims.names(piece):
        if not (_words(name) <= source.words or _spelt_out(name, source)) or _only_a_word(name, piece, source):
            yield name
    yield from (name for name in claims.known(piece) if not _holds(source, name))


def _only_a_word(name: str, piece: str, source: Source) -> bool:
    """Whether a lone capitalised word is a name here, and in the source a common word or but a part of longer names."""
    if not re.fullmatch(r"[A-Z][a-zà-ÿ]+(?:-[A-Z][a-zà-ÿ]+)*", name) or piece.startswith(name):
        return False
    if not _stands_alone(name, piece):
        return False
    common = re.search(rf"(?<![\w-]){name.lower()}", source.text) is not None
    return re.search(rf"\b{name}", source.text) is None or (common and not _stands_alone(name, source.text))


def _stands_alone(name: str, text: str) -> bool:
    """Whether a word has its capital behind a small word and before none that has one."""
    return re.search(rf"(?<![\w-])(?:[a-z][\w-]*|\d+)[,;)'\"]? [(\"']?{name}\b(?![ -][A-Z])", text) is not None


def _words(text: str) -> frozenset[str]:
    """Words in lower case, plurals and possessives folded."""
    return frozenset(_stem(word) for word in re.findall(r"\w+(?:\.\d+)?", text.casefold().replace("_", " ")))


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word


def _spelt_out(name: str, source: Source) -> bool:
    """Whether an abbreviation of three letters or more stands for consecutive words of the source."""
    letters = name.removesuffix("s").casefold()
    if not (3 <= len(letters) <= 6 and letters.isalpha() and name.removesuffix("s").isupper()):
        return False
    return letters in "".join(word[0] for word in re.findall(r"[^\W\d_]+", source.folded))


def _phrases(find: Callable[[str], Iterator[str]]) -> Callable[[str, Source], Iterator[str]]:
    """A check that wants the words themselves in the source."""

    def unsupported(piece: str, source: Source) -> Iterator[str]:
        return (found for found in find(piece) if not _holds(source, found))

    return unsupported


def _holds(source: Source, phrase: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase.casefold())}(?!\w)", source.folded) is not None


_TOPS = re.compile(r"best|strongest|top|highest|leading", re.I)


def _hype(piece: str, source: Source) -> Iterator[str]:
    """Praise that the source does not use; one word for the first place is as good as another."""
    has_top = re.search(rf"\b(?:{_TOPS.pattern})\b", source.folded) is not None
    for found in _phrases(claims.hype)(piece, source):
        if not (has_top and _TOPS.fullmatch(found)):
            yield found


_OPPOSITES = tuple(
    (re.compile(rf"\b(?:{a})", re.I), re.compile(rf"\b(?:{b})", re.I))
    for pair in (
        (r"increas\w+|rais\w+|grow\w*|grew\b", r"decreas\w+|reduc\w+|lower(?:s|ed|ing)\b|declin\w+|shrink\w*"),
        (r"outperform\w*|surpass\w*|exceed\w*|beats?\b", r"underperform\w*|lags? behind|falls? short|worse than"),
        (r"improv\w+|better\b|gains?\b", r"degrad\w+|worse\w*|hurts?\b|harm\w*"),
        (r"faster\b|speeds? up|accelerat\w+", r"slower\b|slows? down"),
        (r"higher\b|more than\b", r"lower\b|less than\b|fewer than\b"),
        (r"succeed\w*|works?\b", r"fails?\b|failed\b|failure\w*"),
        (r"beneficial|helpful", r"harmful|detrimental"),
        (r"open[- ]sourced?\b", r"closed[- ]sourced?\b|proprietary"),
        (r"often\b|frequent\w*|usually", r"rarely|seldom|hardly"),
        (r"well[- ](?=\w+ed\b)", r"poorly|badly"),
        (r"over-?optimis\w+|over-?confiden\w+", r"over-?pessimis\w+|under-?confiden\w+"),
    )
    for a, b in (pair, pair[::-1])
)  # fmt: skip
_DENIAL = re.compile(r"\b(?:not|no|never|cannot|without|neither|nor|fails? to|n't)\b|n't\b", re.I)
_DOUBT = re.compile(
    rf"{_DENIAL.pattern}|\b(?:lack\w*|un\w{{4,}}|limit\w*|fail\w*|however|only|free|less|little|few|hard|remov\w*|avoid\w*)\b"
    r"|\w+-free\b",
    re.I,
)


def _polarity(piece: str, source: Source) -> Iterator[str]:
    """A word whose opposite alone is in the source; a denial where the source denies nothing."""
    for word, opposite in _OPPOSITES:
        if (found := word.search(piece)) and not word.search(source.text) and opposite.search(source.text):
            yield found[0]
    if (denial := _DENIAL.search(piece)) and not _DOUBT.search(source.text):
        yield denial[0]
    yield from relations.denied(piece, source.pieces)


CHECKS: dict[str, Callable[[str, Source], Iterator[str]]] = {
    "number": _numbers,
    "name": _names,
    "hype": _hype,
    "appeal": _phrases(claims.appeals),
    "citation": _phrases(claims.citations),
    "link": _phrases(claims.links),
    "polarity": _polarity,
    "relation": lambda piece, source: relations.turned(piece, source.pieces),
    "direction": lambda piece, source: directions.turned_round(piece, source.text, source.pieces),
    "count": lambda piece, source: relations.miscounted(piece, source.text),
}


def _evidence(quotations: Iterable[str], source: Source) -> Iterator[Flag]:
    for quotation in quotations:
        if not supported(quotation, source):
            yield Flag("evidence", quotation[:80] or "(none)")


def supported(quotation: str, source: Source) -> bool:
    """Whether a quotation of at least four words stands in the source, but for spelling of dashes, quotes and TeX."""
    return len(quotation.split()) >= EVIDENCE_WORDS and _stands_in(quotation, source)


def _elsewhere(text: str, source: Source, vectors: Vectors) -> bool:
    """Whether a text is far from the source's subject and has few of its words; a short sentence may be far alone."""
    words = relations.content(text)
    shared = len(words & relations.content(source.text)) / max(1, len(words))
    return shared < WRONG_WORDS and _cosine(text, source.near, vectors) < WRONG_ITEM


def _cosine(text: str, about: str, vectors: Vectors) -> float:
    ours, theirs = vectors.embed([text, about])
    return float(ours @ theirs)
