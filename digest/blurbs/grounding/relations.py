"""Comparisons, negation, counts, direction.

Sets a claim beside the sentences of its source that say nearly the same: who beats whom, what is denied, counts.

Which way a claim points where its source points the other: from and to, least and most, more and less, up, down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_STEM_LENGTH = 5  # letters by which two forms of a word are taken for one
_STOPWORD_TEXT = """
the and for with from that this these those their there its it's are was were has have had been being which while when
where than then them they such into onto under also only both each more most less very much many some our your not but
can may will would could should does did done using used use via per all any out how what who between through about
"""
_STOPWORDS = frozenset(_STOPWORD_TEXT.split())
_CLAUSE_BOUNDARY = re.compile(r", (?=(?:but|though|although|while|whereas|yet)\b)", re.I)
_MIN_SHARED_STEMS = 0.6  # share of a claim's words that a sentence must hold to be about the same
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
_COUNTED_THING = re.compile(r"(?:[a-z-]+[ -]){0,3}?[a-z]{3,}s\b|[a-z]{4,}\b", re.I)


class _Comparison(NamedTuple):
    """What stands before and behind a word of comparison; words on both sides say nothing and are left out."""

    word: str
    left: frozenset[str]
    right: frozenset[str]
    has_than: bool


def extract_content_stems(text: str) -> frozenset[str]:
    """A text's words that carry meaning, each by its root."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return frozenset(_stem(word) for word in words if len(word) > 3 and word not in _STOPWORDS)


@lru_cache(maxsize=4096)
def _stem(word: str) -> str:
    return (re.sub(r"(?:ing|ed|es|s|ly)$", "", word) if len(word) > 4 else word)[:_STEM_LENGTH]


def find_swapped_comparisons(claim: str, sentences: Sequence[str]) -> Iterator[str]:
    """A word of comparison whose two sides stand the other way round in the source."""
    for mine in _parse_comparisons(claim):
        if any(_is_swapped(mine, theirs) for sentence in sentences for theirs in _parse_comparisons(sentence)):
            yield mine.word


def _is_swapped(claim: _Comparison, source: _Comparison) -> bool:
    """Behind `than` the predicate is on the left of both; else the left sides have nothing in common."""
    if not (claim.left & source.right and claim.right & source.left) or claim.right & source.right:
        return False
    return (claim.has_than and source.has_than) or not claim.left & source.left


def _parse_comparisons(sentence: str) -> Iterator[_Comparison]:
    """One for each word of comparison."""
    turned_round = _PASSIVE_COMPARISON.search(sentence) is not None
    for pattern in (_OUTPERFORMS, _THAN):
        for word in pattern.finditer(sentence):
            before, behind = sentence[: word.start()], sentence[word.end() :].lstrip()
            before = before if pattern is _THAN else re.split(r"[,;:] ", before)[-1]
            left, right = (
                _extract_compared_stems(before),
                _extract_compared_stems(_PHRASE_END.split(behind, maxsplit=1)[0]),
            )
            both = left & right
            sides = (right - both, left - both) if turned_round else (left - both, right - both)
            yield _Comparison(word[0], *sides, has_than=pattern is _THAN)


def _extract_compared_stems(text: str) -> frozenset[str]:
    """What may win or lose: without adverbs, and a name with a hyphen as one word."""
    return extract_content_stems(re.sub(r"\w+ly\b|(?<=\w)-(?=[A-Z])", "", text))


def find_negation_changes(claim: str, sentences: Sequence[str]) -> Iterator[str]:
    """A denial where the nearest sentence has none, or the word that it denies without the denial."""
    source = _find_nearest_clause(claim, sentences)
    ours, theirs = _NEGATION.search(claim), _NEGATION.search(source)
    if source and ours and not theirs:
        yield ours[0]
    if source and theirs and not ours:
        heart = _find_negated_stem(source, theirs)
        yield from [word for word in re.findall(r"[^\W_]+", claim) if heart == _stem(word.casefold())][:1]


def _find_nearest_clause(claim: str, sentences: Sequence[str]) -> str:
    """The sentence or part of one that holds most of a claim's words, if it holds enough of them; the shortest such."""
    ours = extract_content_stems(claim)
    parts = [
        part
        for sentence in sentences
        for whole in sentence.split("; ")
        for part in (whole, *_CLAUSE_BOUNDARY.split(whole))
    ]
    best = max(parts, key=lambda one: (len(ours & extract_content_stems(one)), -len(one)), default="")
    return best if len(ours) > 1 and len(ours & extract_content_stems(best)) >= _MIN_SHARED_STEMS * len(ours) else ""


def _find_negated_stem(sentence: str, denial: re.Match[str]) -> str:
    """The word that is denied: the first behind a denial that carries meaning, adverbs aside."""
    behind = re.findall(r"[^\W_]+", sentence[denial.end() :].casefold())
    return next((_stem(w) for w in behind if len(w) > 3 and w not in _STOPWORDS and not w.endswith("ly")), "")


def find_wrong_counts(claim: str, source: str) -> Iterator[str]:
    """A number of things of which the source gives another number, and never this one."""
    for found in _COUNT.finditer(claim):
        thing = _COUNTED_THING.match(claim, found.end())
        if thing is None or found[1].lower() == "one":
            continue
        given = _find_counts(_stem(re.split(r"[ -]", thing[0].casefold())[-1]), source)
        if given and _parse_count(found[1]) not in given:
            yield found[0] + thing[0]


def _find_counts(thing: str, source: str) -> set[int]:
    """The numbers before a thing, with up to three words between."""
    return {
        _parse_count(found[1])
        for found in _COUNT.finditer(source)
        if thing in map(_stem, re.findall(r"[a-z]+", _WORDS_AFTER_COUNT.match(source, found.end())[0].casefold()))  # type: ignore[index]
    }


def _parse_count(number: str) -> int:
    return _COUNT_VALUES.get(number.lower()) or int(number)


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
_MAX_OBJECT_WORDS = 3  # words of carrying meaning that what is raised or lowered is known by


def find_reversed_directions(claim: str, source_text: str, sentences: Sequence[str]) -> Iterator[str]:
    """What of a claim points the other way in its source, and nowhere the same."""
    yield from _find_reversed_ranges(claim, source_text)
    yield from _find_reversed_bounds(claim, source_text)
    for sentence in sentences:
        yield from _find_reversed_degrees(claim, sentence)
    yield from _find_reversed_changes(claim, sentences)


def _find_ranges(text: str) -> dict[tuple[str, str], str]:
    return {
        (found[1].strip(".,;:)"), found[2].strip(".,;:)")): found[0].strip(".,;:)") for found in _FROM_TO.finditer(text)
    }


def _find_reversed_ranges(claim: str, source_text: str) -> Iterator[str]:
    """`from 3 to 2` where the source goes from 2 to 3."""
    theirs = _find_ranges(source_text)
    yield from (said for ends, said in _find_ranges(claim).items() if ends not in theirs and ends[::-1] in theirs)


def _parse_bounds(text: str) -> Iterator[tuple[str, str, str]]:
    """Each number with the side it is bounded on (most, least or none), and how that is said."""
    for found in _NUMBER.finditer(text):
        before = text[max(0, found.start() - 30) : found.start()].rstrip(" $~")
        bound = next((b for b in _BOUND.finditer(before) if b.end() == len(before)), None)
        yield found[0], (bound and bound.lastgroup) or "", f"{bound[0]} {found[0]}" if bound else found[0]


def _find_reversed_bounds(claim: str, source_text: str) -> Iterator[str]:
    """`at least 2` where the source bounds that number, wherever it has it, from the other side."""
    theirs: dict[str, set[str]] = {}
    for number, side, _ in _parse_bounds(source_text):
        theirs.setdefault(number, set()).add(side)
    other = {"most": {"least"}, "least": {"most"}}
    yield from (said for number, side, said in _parse_bounds(claim) if side and theirs.get(number) == other[side])


def _find_reversed_degrees(claim: str, sentence: str) -> Iterator[str]:
    """`more likely` of what the source calls less likely; the two of a comparison may stand the other way round."""
    for mine in _DEGREE.finditer(claim):
        for theirs in _DEGREE.finditer(sentence):
            if mine[2].lower() != theirs[2].lower() or mine[1].lower() == theirs[1].lower():
                continue
            left, before = (
                extract_content_stems(claim[: mine.start()]),
                extract_content_stems(sentence[: theirs.start()]),
            )
            if left and left <= before and not _DEGREE.search(claim[: mine.start()]):
                yield mine[0]


def _find_reversed_changes(claim: str, sentences: Sequence[str]) -> Iterator[str]:
    """`raised the rate` of what the source says lowered it."""
    if _ABSENCE.search(claim):
        return
    for mine in _CHANGE.finditer(claim):
        thing = extract_content_stems(" ".join(mine["thing"].split()[: _MAX_OBJECT_WORDS + 1]))
        about = [s for s in sentences if extract_content_stems(claim[: mine.start()]) & extract_content_stems(s)]
        ways = {
            bool(t["up"])
            for s in about
            for t in _CHANGE.finditer(s)
            if thing and thing <= extract_content_stems(t["thing"])
        }
        if ways == {not mine["up"]}:
            yield mine[0]
