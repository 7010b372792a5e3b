"""Check a sentence against the stored text of its source.

Numbers and names are bound to the sentence they rest on. The check cannot see every wrong relation between two true
things.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from digest.blurbs.grounding.binding import (
    find_misplaced_values,
    find_unsupported_causes,
    find_widened_scope,
    is_unsupported,
)
from digest.blurbs.grounding.claims import (
    MANY_UNIT,
    NumberClaim,
    find_names,
    find_numbers,
    find_phrases,
    find_sizes_in_names,
    normalize_for_comparison,
)
from digest.blurbs.grounding.relations import (
    find_negation_changes,
    find_reversed_directions,
    find_swapped_comparisons,
    find_wrong_counts,
)
from digest.llm.injection import find_injection
from digest.llm.sanitize import defang_links
from digest.resources import load_lexicon
from digest.text.sentences import split_sentences

if TYPE_CHECKING:
    from digest.embeddings import EmbeddingTable

MIN_EVIDENCE_WORDS = 4
_ROUNDING_TOLERANCE = 3  # per cent, for a half or a third
_CURRENCIES = frozenset({"USD", "EUR", "GBP"})

_MAX_SHOWN_CHARACTERS = 80
MAX_CHECKED_CHARACTERS = 20_000  # no blurb or paragraph is longer


class GroundingFlag(NamedTuple):
    """A string without support and its kind, such as number, name, misplaced, cause or unsupported."""

    kind: str
    text: str

    def __str__(self) -> str:
        """Format the flag for a person, with any address defanged."""
        return f"{self.kind}: {defang_links(self.text)}"


class GroundingSource(NamedTuple):
    """The stored text of an item, prepared for the check by `prepare_grounding_source`."""

    text: str
    folded: str
    stems: frozenset[str]
    numbers: frozenset[tuple[float, str]]
    subject: str  # the text that is embedded
    sentences: tuple[str, ...]


def prepare_grounding_source(title: str, summary: str, content: str = "") -> GroundingSource:
    """Prepare an item's stored text for any number of checks."""
    text = normalize_for_comparison(". ".join(part for part in (title, summary, content) if part.strip()))
    numbers = frozenset((number.value, number.unit) for number in (*find_numbers(text), *find_sizes_in_names(text)))
    subject = f"{title}. {summary or content[:1500]}"
    return GroundingSource(text, text.casefold(), _extract_stems(text), numbers, subject, tuple(split_sentences(text)))


def check_grounding(
    text: str, source: GroundingSource, evidence: Sequence[str] | None = None, embeddings: EmbeddingTable | None = None
) -> tuple[GroundingFlag, ...]:
    """List what the source does not support, in reading order.

    Sentences that are verbatim in the source pass, unless they instruct a model. With `evidence` (a quotation per
    sentence), each quotation must be in the source and hold the numbers and names of its sentence. With `embeddings`,
    a sentence that rests on no sentence of the source is flagged.
    """
    text = text[:MAX_CHECKED_CHARACTERS]
    sentences = [sentence for sentence in split_sentences(text) if not _is_verbatim(sentence, source)]
    flags = [
        GroundingFlag(kind, claim)
        for sentence in map(normalize_for_comparison, sentences)
        for kind, find_unsupported in GROUNDING_CHECKS.items()
        for claim in find_unsupported(sentence, source)
    ]
    missing = " ".join(flag.text for flag in flags if flag.kind in ("number", "name"))
    flags = [flag for flag in flags if flag.kind != "misplaced" or flag.text not in missing]
    if instruction := find_injection(text):
        flags.append(GroundingFlag("instruction", instruction))
    flags += _check_evidence(text, source, evidence) if evidence is not None else []
    if embeddings is not None:
        flags += [
            GroundingFlag("unsupported", sentence[:_MAX_SHOWN_CHARACTERS])
            for sentence in map(normalize_for_comparison, sentences)
            if is_unsupported(sentence, source.subject, source.sentences, embeddings)
        ]
    return tuple(dict.fromkeys(flags))


def _check_evidence(text: str, source: GroundingSource, evidence: Sequence[str]) -> Iterator[GroundingFlag]:
    """Yield quotations that the source lacks, and numbers and names that a sentence's own quotation does not carry.

    When the quotations are not one a sentence, all of them together must carry each sentence.
    """
    for quotation in evidence:
        if not is_quotation_supported(quotation, source):
            yield GroundingFlag("evidence", quotation[:_MAX_SHOWN_CHARACTERS] or "(none)")
    sentences = split_sentences(text)
    quotations = evidence if len(evidence) == len(sentences) else [" ".join(evidence)] * len(sentences)
    title = source.subject.partition(". ")[0]
    for sentence, quotation in zip(sentences, quotations, strict=True):
        passage = prepare_grounding_source(title, " ".join([quotation, *_find_quoted_sentences(quotation, source)]))
        for find_unsupported in (_find_unsupported_numbers, _find_unsupported_names):
            claims = find_unsupported(normalize_for_comparison(sentence), passage)
            missing = set(find_unsupported(normalize_for_comparison(sentence), source))
            yield from (
                GroundingFlag("evidence", f"does not carry {claim}") for claim in claims if claim not in missing
            )


def _find_quoted_sentences(quotation: str, source: GroundingSource) -> list[str]:
    """Return the sentences of the source that a quotation is part of, or that are part of it."""
    folded = normalize_for_comparison(quotation).casefold().strip(" .…\"'")
    return [
        sentence
        for sentence in source.sentences
        if (plain := sentence.casefold().strip(" .")) and (folded in plain or plain in folded)
    ]


def is_quotation_supported(quotation: str, source: GroundingSource) -> bool:
    """Return whether at least four words are in the source, but for spelling of dashes, quotes and TeX."""
    return len(quotation.split()) >= MIN_EVIDENCE_WORDS and _is_verbatim(quotation, source)


def _is_verbatim(sentence: str, source: GroundingSource) -> bool:
    return normalize_for_comparison(sentence).casefold().strip(" .…\"'") in source.folded


def _find_unsupported_numbers(sentence: str, source: GroundingSource) -> Iterator[str]:
    """Yield numbers whose value is not in the source with the same unit or without a known one."""
    names = frozenset(find_names(sentence))
    return (n.text for n in find_numbers(sentence) if n.text not in names and not _has_number(n, source))


def _has_number(number: NumberClaim, source: GroundingSource) -> bool:
    """Return whether the source has a number.

    "hundreds of" needs one of that size; money and words such as `twice` need their unit.
    """
    if number.unit == MANY_UNIT:
        return any(number.value <= value < 100 * number.value for value, _ in source.numbers)
    is_word = number.text[0].isalpha()
    if number.unit == "%" and is_word:  # half, a third
        percentages = (value for value, unit in source.numbers if unit == "%")
        if any(abs(value - number.value) <= _ROUNDING_TOLERANCE for value in percentages):
            return True
    units = {unit for value, unit in source.numbers if value == number.value}
    needs_unit = number.unit in _CURRENCIES or (number.unit == "×" and is_word)
    return number.unit in units or (bool(units) and not needs_unit and (not number.unit or "" in units))


def _find_unsupported_names(sentence: str, source: GroundingSource) -> Iterator[str]:
    for name in find_names(sentence):
        is_in_source = _extract_stems(name) <= source.stems or _is_acronym_of_source(name, source)
        if not is_in_source or _is_common_word_in_source(name, sentence, source):
            yield name
    yield from _find_unsupported_phrases("well_known_names", sentence, source)


def _is_common_word_in_source(name: str, sentence: str, source: GroundingSource) -> bool:
    """Return whether a lone capitalised word is a name here and a common word or part of a name in the source."""
    if not re.fullmatch(r"[A-Z][a-zà-ÿ]+(?:-[A-Z][a-zà-ÿ]+)*", name) or sentence.startswith(name):
        return False
    if not _is_lone_capitalised_word(name, sentence):
        return False
    is_common = re.search(rf"(?<![\w-]){name.lower()}", source.text) is not None
    is_lone = _is_lone_capitalised_word(name, source.text)
    return re.search(rf"\b{name}", source.text) is None or (is_common and not is_lone)


def _is_lone_capitalised_word(name: str, text: str) -> bool:
    """Return whether a capitalised word follows a lower-case one and precedes no capitalised one."""
    return re.search(rf"(?<![\w-])(?:[a-z][\w-]*|\d+)[,;)'\"]? [(\"']?{name}\b(?![ -][A-Z])", text) is not None


def _extract_stems(text: str) -> frozenset[str]:
    """Collect the words in lower case, plurals and possessives folded."""
    tokens = re.findall(r"\w+(?:\.\d+)?", text.casefold().replace("_", " "))
    return frozenset(t.removesuffix("s") if len(t) > 3 and not t.endswith("ss") else t for t in tokens)


def _is_acronym_of_source(name: str, source: GroundingSource) -> bool:
    """Return whether three to six capitals are the initials of consecutive words of the source."""
    letters = name.removesuffix("s").casefold()
    if not (3 <= len(letters) <= 6 and letters.isalpha() and name.removesuffix("s").isupper()):
        return False
    return letters in "".join(word[0] for word in re.findall(r"[^\W\d_]+", source.folded))


def _find_unsupported_phrases(kind: str, sentence: str, source: GroundingSource) -> Iterator[str]:
    """Yield phrases of a kind that are not in the source literally."""
    for phrase in find_phrases(kind, sentence):
        if re.search(rf"(?<!\w){re.escape(phrase.casefold())}(?!\w)", source.folded) is None:
            yield phrase


_TOP_RANK = re.compile(r"best|strongest|top|highest|leading", re.I)


def _find_unsupported_praise(sentence: str, source: GroundingSource) -> Iterator[str]:
    """Yield praise that the source does not use; the words for the first rank are interchangeable."""
    has_top = re.search(rf"\b(?:{_TOP_RANK.pattern})\b", source.folded) is not None
    for phrase in _find_unsupported_phrases("praise", sentence, source):
        if not (has_top and _TOP_RANK.fullmatch(phrase)):
            yield phrase


_OPPOSITES = tuple(
    (re.compile(rf"\b(?:{word})", re.I), re.compile(rf"\b(?:{opposite})", re.I))
    for pair in load_lexicon()["polarity"]["opposites"]
    for word, opposite in (pair, pair[::-1])
)
_NEGATION = re.compile(r"\b(?:not|no|never|cannot|without|neither|nor|fails? to|n't)\b|n't\b", re.I)
_NEGATIVE_WORD = re.compile(
    rf"{_NEGATION.pattern}|\b(?:lack\w*|un\w{{4,}}|limit\w*|fail\w*|however|only|free|less|little|few|hard|remov\w*|avoid\w*)\b"
    r"|(?<=\w)-free\b",
    re.I,
)


def _find_polarity_changes(sentence: str, source: GroundingSource) -> Iterator[str]:
    """Yield words of which the source has only the opposite, and negations where the source has none."""
    for pattern, opposite in _OPPOSITES:
        if (word := pattern.search(sentence)) and not pattern.search(source.text) and opposite.search(source.text):
            yield word[0]
    if (negation := _NEGATION.search(sentence)) and not _NEGATIVE_WORD.search(source.text):
        yield negation[0]
    yield from find_negation_changes(sentence, source.sentences)


GROUNDING_CHECKS: dict[str, Callable[[str, GroundingSource], Iterator[str]]] = {
    "number": _find_unsupported_numbers,
    "name": _find_unsupported_names,
    "hype": _find_unsupported_praise,
    "appeal": partial(_find_unsupported_phrases, "reader_appeals"),
    "citation": partial(_find_unsupported_phrases, "citations"),
    "link": partial(_find_unsupported_phrases, "addresses"),
    "polarity": _find_polarity_changes,
    "relation": lambda sentence, source: find_swapped_comparisons(sentence, source.sentences),
    "direction": lambda sentence, source: find_reversed_directions(sentence, source.text, source.sentences),
    "count": lambda sentence, source: find_wrong_counts(sentence, source.text),
    "scope": lambda sentence, source: find_widened_scope(sentence, source.text),
    "cause": lambda sentence, source: find_unsupported_causes(sentence, source.text),
    "misplaced": lambda sentence, source: find_misplaced_values(sentence, source.subject, source.sentences),
}
