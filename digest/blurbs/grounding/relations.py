"""Compare a claim with its source: comparisons, negation, counts, ranges, bounds, degrees, changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from digest.resources import load_lexicon

_STEM_LENGTH = 5  # letters
_STOPWORDS = frozenset(load_lexicon()["stopwords"]["relations"].split())
_CLAUSE_BOUNDARY = re.compile(r", (?=(?:but|though|although|while|whereas|yet)\b)", re.I)
# Share of a claim's words that a sentence must have to be about the same.
_MIN_SHARED_STEMS = 0.6
_THAN = re.compile(r"\b(?:than|over|compared (?:to|with))\b", re.I)
_OUTPERFORMS = re.compile(r"\b(?:outperform\w*|surpass\w*|exceed\w*|beats?|beating|outdo\w*|impl(?:y|ies|ied))\b", re.I)
_PASSIVE_COMPARISON = re.compile(
    r"\b(?:is|are|was|were|been|being) (?:\w+ )?(?:outperformed|surpassed|exceeded|beaten|implied)\b", re.I
)
_PHRASE_END = re.compile(r" (?:on|in|at|by|across|for|while|whereas|when|even|with|using)\b|[,;:]", re.I)
_NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|without|neither|nor|none|zero|fails?|failed|failing|rarely|seldom|hardly|unable)\b|n't\b",
    re.I,
)
_COUNT_WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_COUNT_VALUES = {word: value for value, word in enumerate(_COUNT_WORDS.split(), 1)}
_COUNT = re.compile(rf"(?<![.\w-])(\d+|{'|'.join(_COUNT_VALUES)})[ -](?=[a-z])", re.I)
_WORDS_AFTER_COUNT = re.compile(r"(?:[a-z-]+[ -]?){0,4}", re.I)
_COUNTED_THING = re.compile(r"(?:[a-z]{1,40}(?:-[a-z]{1,40}){0,4}[ -]){0,3}?[a-z]{3,40}s\b|[a-z]{4,40}\b", re.I)
_FROM_TO = re.compile(r"\bfrom ([~$]?\d\S*) to ([~$]?\d\S*)", re.I)
_BOUND = re.compile(
    r"(?P<most>at most|up to|no more than|less than or equal to|(?:less|fewer) than|under|below|[<≤]=?)"
    r"|(?P<least>at least|no (?:less|fewer) than|(?:greater|more) than(?: or equal to)?|over|above|[>≥]=?)",
    re.I,
)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_DEGREE = re.compile(r"\b(more|less) ((?!than\b)[a-z]{5,})", re.I)
_CHANGE = re.compile(
    r"\b(?:(?P<up>increas|rais|boost)|(?P<down>decreas|reduc|lower|shrink|cut))(?:e|es|ed|s|ing)?\b "
    r"(?P<thing>[^,.;:]{3,60})",
    re.I,
)
_ABSENCE = re.compile(r"\b(?:without|no|not|lack\w*|remov\w*|absen\w*|instead of)\b", re.I)
# Words with meaning by which the object of a change is identified.
_MAX_OBJECT_WORDS = 3


class _Comparison(NamedTuple):
    """The words before and after a word of comparison, without those on both sides."""

    word: str
    left: frozenset[str]
    right: frozenset[str]
    has_than: bool


def extract_content_stems(text: str) -> frozenset[str]:
    """Collect the stems of the words that carry meaning."""
    tokens = re.findall(r"[^\W_]+", text.casefold())
    return frozenset(reduce_to_stem(token) for token in tokens if len(token) > 3 and token not in _STOPWORDS)


@lru_cache(maxsize=4096)
def reduce_to_stem(word: str) -> str:
    """Cut a lower-case word to the first letters of its stem."""
    return (re.sub(r"(?:ing|ed|es|s|ly)$", "", word) if len(word) > 4 else word)[:_STEM_LENGTH]


def find_swapped_comparisons(claim: str, sentences: Sequence[str]) -> Iterator[str]:
    """Yield words of comparison whose two sides are exchanged in the source."""
    source_comparisons = [comparison for sentence in sentences for comparison in _parse_comparisons(sentence)]
    for comparison in _parse_comparisons(claim):
        if any(_is_swapped(comparison, other) for other in source_comparisons):
            yield comparison.word


def _is_swapped(claim: _Comparison, source: _Comparison) -> bool:
    """Return whether the sides are exchanged; without `than`, the left sides must have nothing in common."""
    if not (claim.left & source.right and claim.right & source.left) or claim.right & source.right:
        return False
    return (claim.has_than and source.has_than) or not claim.left & source.left


def _parse_comparisons(sentence: str) -> Iterator[_Comparison]:
    is_passive = _PASSIVE_COMPARISON.search(sentence) is not None
    for pattern in (_OUTPERFORMS, _THAN):
        for word in pattern.finditer(sentence):
            before, after = sentence[: word.start()], sentence[word.end() :].lstrip()
            before = before if pattern is _THAN else re.split(r"[,;:] ", before)[-1]
            left = _extract_compared_stems(before)
            right = _extract_compared_stems(_PHRASE_END.split(after, maxsplit=1)[0])
            both = left & right
            sides = (right - both, left - both) if is_passive else (left - both, right - both)
            yield _Comparison(word[0], *sides, has_than=pattern is _THAN)


def _extract_compared_stems(text: str) -> frozenset[str]:
    """Collect what is compared: no adverbs, a name with a hyphen as one word."""
    return extract_content_stems(re.sub(r"\w+ly\b|(?<=\w)-(?=[A-Z])", "", text))


def find_negation_changes(claim: str, sentences: Sequence[str]) -> Iterator[str]:
    """Yield a negation that the nearest clause lacks, or the word that only the nearest clause negates."""
    source = _find_nearest_clause(claim, sentences)
    claim_negation, source_negation = _NEGATION.search(claim), _NEGATION.search(source)
    if source and claim_negation and not source_negation:
        yield claim_negation[0]
    if source and source_negation and not claim_negation:
        negated = _find_negated_stem(source, source_negation)
        yield from [word for word in re.findall(r"[^\W_]+", claim) if negated == reduce_to_stem(word.casefold())][:1]


def _find_nearest_clause(claim: str, sentences: Sequence[str]) -> str:
    """Find the shortest clause with most of a claim's words; empty when it has too few of them."""
    stems = extract_content_stems(claim)
    parts = [part for sentence in sentences for part in sentence.split("; ")]
    clauses = [clause for part in parts for clause in (part, *_CLAUSE_BOUNDARY.split(part))]
    best = max(clauses, key=lambda clause: (len(stems & extract_content_stems(clause)), -len(clause)), default="")
    shared = len(stems & extract_content_stems(best))
    return best if len(stems) > 1 and shared >= _MIN_SHARED_STEMS * len(stems) else ""


def _find_negated_stem(sentence: str, negation: re.Match[str]) -> str:
    """Find the first word with meaning after a negation, adverbs skipped."""
    tokens = re.findall(r"[^\W_]+", sentence[negation.end() :].casefold())
    return next((reduce_to_stem(t) for t in tokens if len(t) > 3 and t not in _STOPWORDS and not t.endswith("ly")), "")


def find_wrong_counts(claim: str, source: str) -> Iterator[str]:
    """Yield counts of things of which the source gives only other counts."""
    for count in _COUNT.finditer(claim):
        thing = _COUNTED_THING.match(claim, count.end())
        if thing is None or count[1].lower() == "one":
            continue
        source_counts = _find_counts(reduce_to_stem(re.split(r"[ -]", thing[0].casefold())[-1]), source)
        if source_counts and _parse_count(count[1]) not in source_counts:
            yield count[0] + thing[0]


def _find_counts(thing: str, source: str) -> set[int]:
    """Collect the counts before a thing, with up to three words between."""
    return {
        _parse_count(count[1])
        for count in _COUNT.finditer(source)
        if thing
        in map(reduce_to_stem, re.findall(r"[a-z]+", _WORDS_AFTER_COUNT.match(source, count.end())[0].casefold()))  # type: ignore[index]
    }


def _parse_count(number: str) -> int:
    return _COUNT_VALUES.get(number.lower()) or int(number)


def find_reversed_directions(claim: str, source_text: str, sentences: Sequence[str]) -> Iterator[str]:
    """Yield ranges, bounds, degrees and changes that point the other way in the source."""
    yield from _find_reversed_ranges(claim, source_text)
    yield from _find_reversed_bounds(claim, source_text)
    for sentence in sentences:
        yield from _find_reversed_degrees(claim, sentence)
    yield from _find_reversed_changes(claim, sentences)


def _find_reversed_ranges(claim: str, source_text: str) -> Iterator[str]:
    """Yield `from 3 to 2` where the source has `from 2 to 3`."""
    claim_ranges, source_ranges = (
        {(m[1].strip(".,;:)"), m[2].strip(".,;:)")): m[0].strip(".,;:)") for m in _FROM_TO.finditer(text)}
        for text in (claim, source_text)
    )
    for ends, text in claim_ranges.items():
        if ends not in source_ranges and ends[::-1] in source_ranges:
            yield text


def _parse_bounds(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield each number, the side on which it is bounded (most, least or empty) and its text."""
    for number in _NUMBER.finditer(text):
        before = text[max(0, number.start() - 30) : number.start()].rstrip(" $~")
        bound = next((b for b in _BOUND.finditer(before) if b.end() == len(before)), None)
        yield number[0], (bound and bound.lastgroup) or "", f"{bound[0]} {number[0]}" if bound else number[0]


def _find_reversed_bounds(claim: str, source_text: str) -> Iterator[str]:
    """Yield `at least 2` where the source bounds each 2 from the other side."""
    source_sides: dict[str, set[str]] = {}
    for number, side, _ in _parse_bounds(source_text):
        source_sides.setdefault(number, set()).add(side)
    opposite = {"most": {"least"}, "least": {"most"}}
    for number, side, text in _parse_bounds(claim):
        if side and source_sides.get(number) == opposite[side]:
            yield text


def _find_reversed_degrees(claim: str, sentence: str) -> Iterator[str]:
    """Yield `more likely` where the source says `less likely` of the same thing."""
    for degree in _DEGREE.finditer(claim):
        for other in _DEGREE.finditer(sentence):
            if degree[2].lower() != other[2].lower() or degree[1].lower() == other[1].lower():
                continue
            before = extract_content_stems(claim[: degree.start()])
            source_before = extract_content_stems(sentence[: other.start()])
            if before and before <= source_before and not _DEGREE.search(claim[: degree.start()]):
                yield degree[0]


def _find_reversed_changes(claim: str, sentences: Sequence[str]) -> Iterator[str]:
    """Yield `raised the rate` where the source says that it was lowered."""
    if _ABSENCE.search(claim):
        return
    for change in _CHANGE.finditer(claim):
        thing = extract_content_stems(" ".join(change["thing"].split()[: _MAX_OBJECT_WORDS + 1]))
        subject = extract_content_stems(claim[: change.start()])
        related = [sentence for sentence in sentences if subject & extract_content_stems(sentence)]
        changes = (other for sentence in related for other in _CHANGE.finditer(sentence))
        directions = {bool(c["up"]) for c in changes if thing and thing <= extract_content_stems(c["thing"])}
        if directions == {not change["up"]}:
            yield change[0]
