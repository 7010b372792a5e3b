"""Checks a sentence against the stored text it rests on. It cannot see a wrong relation between two true things."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from digest.blurbs.grounding.claims import (
    MANY_UNIT,
    NumberClaim,
    find_citations,
    find_hype,
    find_link_texts,
    find_names,
    find_numbers,
    find_reader_appeals,
    find_sizes_in_names,
    find_well_known_names,
    normalize_for_comparison,
)
from digest.blurbs.grounding.relations import (
    extract_content_stems,
    find_negation_changes,
    find_reversed_directions,
    find_swapped_comparisons,
    find_wrong_counts,
)
from digest.llm.injection import find_injection
from digest.llm.sanitize import defang_links
from digest.text import split_sentences

if TYPE_CHECKING:
    from digest.embeddings import EmbeddingTable

MIN_SUBJECT_SIMILARITY = (
    0.4  # cosine; 98 of 100 blurbs of another paper lie below 0.5, 3 of 100 of the right one below 0.4
)
MIN_SHARED_WORDS = 0.5  # the share of a text's words that the source has too
MIN_EVIDENCE_WORDS = 4
_ROUNDING_TOLERANCE = 3  # per cent by which a half or a third may be off
_CURRENCIES = frozenset({"USD", "EUR", "GBP"})


class GroundingFlag(NamedTuple):
    """A string without support, and of what sort: number, name, hype, citation, link, polarity, ..."""

    kind: str
    text: str

    def __str__(self) -> str:
        """As a person is shown it: an address in it is no link any more."""
        return f"{self.kind}: {defang_links(self.text)}"


class GroundingSource(NamedTuple):
    """The stored text of an item, as the check reads it; made once with `source_of`."""

    text: str
    folded: str
    stems: frozenset[str]
    numbers: frozenset[tuple[float, str]]
    subject: str  # what the text is about, for the vectors
    sentences: tuple[str, ...]  # its sentences


def prepare_grounding_source(title: str, summary: str, content: str = "") -> GroundingSource:
    """Prepare an item's stored text for any number of checks."""
    text = normalize_for_comparison(". ".join(part for part in (title, summary, content) if part.strip()))
    found = frozenset((number.value, number.unit) for number in (*find_numbers(text), *find_sizes_in_names(text)))
    near = f"{title}. {summary or content[:1500]}"
    return GroundingSource(text, text.casefold(), _extract_stems(text), found, near, tuple(split_sentences(text)))


def check_grounding(
    text: str, source: GroundingSource, evidence: Sequence[str] | None = None, vectors: EmbeddingTable | None = None
) -> tuple[GroundingFlag, ...]:
    """What of `text` the source does not support, in reading order; empty when every check passes.

    Sentences that stand verbatim in the source are believed, unless they instruct a model. With `evidence` (a quotation
    per claim), each must be found in the source too; with `vectors`, a text about something else is flagged as such.
    """
    own = [piece for piece in split_sentences(text) if not _is_verbatim(piece, source)]
    flags = [
        flag
        for piece in own
        for kind in GROUNDING_CHECKS
        for flag in _flag_sentence(kind, normalize_for_comparison(piece), source)
    ]
    if order := find_injection(text):
        flags.append(GroundingFlag("instruction", order))
    if evidence is not None:
        flags += _flag_unsupported_evidence(evidence, source)
    if vectors is not None and own and _is_off_topic(text, source, vectors):
        flags.append(GroundingFlag("subject", "reads like another item"))
    return tuple(dict.fromkeys(flags))


def _flag_sentence(kind: str, sentence: str, source: GroundingSource) -> Iterator[GroundingFlag]:
    return (GroundingFlag(kind, found) for found in GROUNDING_CHECKS[kind](sentence, source))


def _is_verbatim(sentence: str, source: GroundingSource) -> bool:
    return normalize_for_comparison(sentence).casefold().strip(" .…\"'") in source.folded


def _find_unsupported_numbers(sentence: str, source: GroundingSource) -> Iterator[str]:
    """A number needs its value in the source, with the same unit or with none that we know."""
    names = frozenset(find_names(sentence))
    return (n.text for n in find_numbers(sentence) if n.text not in names and not _has_number(n, source))


def _has_number(number: NumberClaim, source: GroundingSource) -> bool:
    """Whether the source has a number; "hundreds of" needs one of that size, money and words as `twice` their unit."""
    if number.unit == MANY_UNIT:
        return any(number.value <= value < 100 * number.value for value, _ in source.numbers)
    rounded = number.unit == "%" and number.text[0].isalpha()  # half, a third
    if rounded and any(
        unit == "%" and abs(value - number.value) <= _ROUNDING_TOLERANCE for value, unit in source.numbers
    ):
        return True
    units = {unit for value, unit in source.numbers if value == number.value}
    exact = number.unit in _CURRENCIES or (number.unit == "×" and number.text[0].isalpha())
    return number.unit in units or (bool(units) and not exact and (not number.unit or "" in units))


def _find_unsupported_names(sentence: str, source: GroundingSource) -> Iterator[str]:
    for name in find_names(sentence):
        if not (
            _extract_stems(name) <= source.stems or _is_acronym_of_source(name, source)
        ) or _is_common_word_in_source(name, sentence, source):
            yield name
    yield from (name for name in find_well_known_names(sentence) if not _contains_phrase(source, name))


def _is_common_word_in_source(name: str, sentence: str, source: GroundingSource) -> bool:
    """Whether a lone capitalised word is a name here, and in the source a common word or but a part of longer names."""
    if not re.fullmatch(r"[A-Z][a-zà-ÿ]+(?:-[A-Z][a-zà-ÿ]+)*", name) or sentence.startswith(name):
        return False
    if not _is_lone_capitalised_word(name, sentence):
        return False
    common = re.search(rf"(?<![\w-]){name.lower()}", source.text) is not None
    return re.search(rf"\b{name}", source.text) is None or (common and not _is_lone_capitalised_word(name, source.text))


def _is_lone_capitalised_word(name: str, text: str) -> bool:
    """Whether a word has its capital behind a small word and before none that has one."""
    return re.search(rf"(?<![\w-])(?:[a-z][\w-]*|\d+)[,;)'\"]? [(\"']?{name}\b(?![ -][A-Z])", text) is not None


def _extract_stems(text: str) -> frozenset[str]:
    """Words in lower case, plurals and possessives folded."""
    return frozenset(_stem(word) for word in re.findall(r"\w+(?:\.\d+)?", text.casefold().replace("_", " ")))


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word


def _is_acronym_of_source(name: str, source: GroundingSource) -> bool:
    """Whether an abbreviation of three letters or more stands for consecutive words of the source."""
    letters = name.removesuffix("s").casefold()
    if not (3 <= len(letters) <= 6 and letters.isalpha() and name.removesuffix("s").isupper()):
        return False
    return letters in "".join(word[0] for word in re.findall(r"[^\W\d_]+", source.folded))


def _make_phrase_check(find_phrases: Callable[[str], Iterator[str]]) -> Callable[[str, GroundingSource], Iterator[str]]:
    """A check that wants the words themselves in the source."""

    def unsupported(piece: str, source: GroundingSource) -> Iterator[str]:
        return (found for found in find_phrases(piece) if not _contains_phrase(source, found))

    return unsupported


def _contains_phrase(source: GroundingSource, phrase: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase.casefold())}(?!\w)", source.folded) is not None


_TOP_RANK = re.compile(r"best|strongest|top|highest|leading", re.I)


def _find_unsupported_hype(sentence: str, source: GroundingSource) -> Iterator[str]:
    """Praise that the source does not use; one word for the first place is as good as another."""
    has_top = re.search(rf"\b(?:{_TOP_RANK.pattern})\b", source.folded) is not None
    for found in _make_phrase_check(find_hype)(sentence, source):
        if not (has_top and _TOP_RANK.fullmatch(found)):
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
_NEGATION = re.compile(r"\b(?:not|no|never|cannot|without|neither|nor|fails? to|n't)\b|n't\b", re.I)
_NEGATIVE_WORD = re.compile(
    rf"{_NEGATION.pattern}|\b(?:lack\w*|un\w{{4,}}|limit\w*|fail\w*|however|only|free|less|little|few|hard|remov\w*|avoid\w*)\b"
    r"|\w+-free\b",
    re.I,
)


def _find_polarity_changes(sentence: str, source: GroundingSource) -> Iterator[str]:
    """A word whose opposite alone is in the source; a denial where the source denies nothing."""
    for word, opposite in _OPPOSITES:
        if (found := word.search(sentence)) and not word.search(source.text) and opposite.search(source.text):
            yield found[0]
    if (denial := _NEGATION.search(sentence)) and not _NEGATIVE_WORD.search(source.text):
        yield denial[0]
    yield from find_negation_changes(sentence, source.sentences)


GROUNDING_CHECKS: dict[str, Callable[[str, GroundingSource], Iterator[str]]] = {
    "number": _find_unsupported_numbers,
    "name": _find_unsupported_names,
    "hype": _find_unsupported_hype,
    "appeal": _make_phrase_check(find_reader_appeals),
    "citation": _make_phrase_check(find_citations),
    "link": _make_phrase_check(find_link_texts),
    "polarity": _find_polarity_changes,
    "relation": lambda piece, source: find_swapped_comparisons(piece, source.sentences),
    "direction": lambda piece, source: find_reversed_directions(piece, source.text, source.sentences),
    "count": lambda piece, source: find_wrong_counts(piece, source.text),
}


def _flag_unsupported_evidence(quotations: Iterable[str], source: GroundingSource) -> Iterator[GroundingFlag]:
    for quotation in quotations:
        if not is_quotation_supported(quotation, source):
            yield GroundingFlag("evidence", quotation[:80] or "(none)")


def is_quotation_supported(quotation: str, source: GroundingSource) -> bool:
    """Whether a quotation of at least four words stands in the source, but for spelling of dashes, quotes and TeX."""
    return len(quotation.split()) >= MIN_EVIDENCE_WORDS and _is_verbatim(quotation, source)


def _is_off_topic(text: str, source: GroundingSource, vectors: EmbeddingTable) -> bool:
    """Whether a text is far from the source's subject and has few of its words; a short sentence may be far alone."""
    words = extract_content_stems(text)
    shared = len(words & extract_content_stems(source.text)) / max(1, len(words))
    return shared < MIN_SHARED_WORDS and _compute_similarity(text, source.subject, vectors) < MIN_SUBJECT_SIMILARITY


def _compute_similarity(text: str, subject: str, vectors: EmbeddingTable) -> float:
    ours, theirs = vectors.embed([text, subject])
    return float(ours @ theirs)
