"""Sets a claim beside the sentences of its source that say nearly the same: who beats whom, what is denied, counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

_ROOT = 5  # letters by which two forms of a word are taken for one
_SMALL_WORDS = """
the and for with from that this these those their there its it's are was were has have had been being which while when
where than then them they such into onto under also only both each more most less very much many some our your not but
can may will would could should does did done using used use via per all any out how what who between through about
"""
_SMALL = frozenset(_SMALL_WORDS.split())
_CLAUSE = re.compile(r", (?=(?:but|though|although|while|whereas|yet)\b)", re.I)
_SAME = 0.6  # share of a claim's words that a sentence must hold to be about the same
_THAN = re.compile(r"\b(?:than|over|compared (?:to|with))\b", re.I)
_BEATS = re.compile(r"\b(?:outperform\w*|surpass\w*|exceed\w*|beats?|beating|outdo\w*|impl(?:y|ies|ied))\b", re.I)
_PASSIVE = re.compile(
    r"\b(?:is|are|was|were|been|being) (?:\w+ )?(?:outperformed|surpassed|exceeded|beaten|implied)\b", re.I
)
_ASIDE = re.compile(r" (?:on|in|at|by|across|for|while|whereas|when|even|with|using)\b|[,;:]", re.I)
_DENIED = re.compile(
    r"\b(?:not|no|never|cannot|without|neither|nor|none|zero|fails?|failed|failing|rarely|seldom|hardly|unable)\b|n't\b",
    re.I,
)
_COUNTING = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_COUNTS = {word: value for value, word in enumerate(_COUNTING.split(), 1)}
_COUNT = re.compile(rf"(?<![.\w-])(\d+|{'|'.join(_COUNTS)})[ -](?=[a-z])", re.I)
_BEHIND = re.compile(r"(?:[a-z-]+[ -]?){0,4}", re.I)
_THING = re.compile(r"(?:[a-z-]+[ -]){0,3}?[a-z]{3,}s\b|[a-z]{4,}\b", re.I)


class _Sides(NamedTuple):
    """What stands before and behind a word of comparison; words on both sides say nothing and are left out."""

    word: str
    left: frozenset[str]
    right: frozenset[str]
    than: bool


def content(text: str) -> frozenset[str]:
    """A text's words that carry meaning, each by its root."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return frozenset(_root(word) for word in words if len(word) > 3 and word not in _SMALL)


@lru_cache(maxsize=4096)
def _root(word: str) -> str:
    return (re.sub(r"(?:ing|ed|es|s|ly)$", "", word) if len(word) > 4 else word)[:_ROOT]


def turned(piece: str, sentences: Sequence[str]) -> Iterator[str]:
    """A word of comparison whose two sides stand the other way round in the source."""
    for mine in _sides(piece):
        if any(_crossed(mine, theirs) for sentence in sentences for theirs in _sides(sentence)):
            yield mine.word


def _crossed(mine: _Sides, theirs: _Sides) -> bool:
    """Behind `than` the predicate is on the left of both; else the left sides have nothing in common."""
    if not (mine.left & theirs.right and mine.right & theirs.left) or mine.right & theirs.right:
        return False
    return (mine.than and theirs.than) or not mine.left & theirs.left


def _sides(piece: str) -> Iterator[_Sides]:
    """One for each word of comparison."""
    turned_round = _PASSIVE.search(piece) is not None
    for pattern in (_BEATS, _THAN):
        for word in pattern.finditer(piece):
            before, behind = piece[: word.start()], piece[word.end() :].lstrip()
            before = before if pattern is _THAN else re.split(r"[,;:] ", before)[-1]
            left, right = _things(before), _things(_ASIDE.split(behind, maxsplit=1)[0])
            both = left & right
            sides = (right - both, left - both) if turned_round else (left - both, right - both)
            yield _Sides(word[0], *sides, than=pattern is _THAN)


def _things(text: str) -> frozenset[str]:
    """What may win or lose: without adverbs, and a name with a hyphen as one word."""
    return content(re.sub(r"\w+ly\b|(?<=\w)-(?=[A-Z])", "", text))


def denied(piece: str, sentences: Sequence[str]) -> Iterator[str]:
    """A denial where the nearest sentence has none, or the word that it denies without the denial."""
    source = _nearest(piece, sentences)
    ours, theirs = _DENIED.search(piece), _DENIED.search(source)
    if source and ours and not theirs:
        yield ours[0]
    if source and theirs and not ours:
        heart = _heart(source, theirs)
        yield from [word for word in re.findall(r"[^\W_]+", piece) if heart == _root(word.casefold())][:1]


def _nearest(piece: str, sentences: Sequence[str]) -> str:
    """The sentence or part of one that holds most of a claim's words, if it holds enough of them; the shortest such."""
    ours = content(piece)
    parts = [
        part for sentence in sentences for whole in sentence.split("; ") for part in (whole, *_CLAUSE.split(whole))
    ]
    best = max(parts, key=lambda one: (len(ours & content(one)), -len(one)), default="")
    return best if len(ours) > 1 and len(ours & content(best)) >= _SAME * len(ours) else ""


def _heart(sentence: str, denial: re.Match[str]) -> str:
    """The word that is denied: the first behind a denial that carries meaning, adverbs aside."""
    behind = re.findall(r"[^\W_]+", sentence[denial.end() :].casefold())
    return next((_root(w) for w in behind if len(w) > 3 and w not in _SMALL and not w.endswith("ly")), "")


def miscounted(piece: str, source: str) -> Iterator[str]:
    """A number of things of which the source gives another number, and never this one."""
    for found in _COUNT.finditer(piece):
        thing = _THING.match(piece, found.end())
        if thing is None or found[1].lower() == "one":
            continue
        given = _numbers_of(_root(re.split(r"[ -]", thing[0].casefold())[-1]), source)
        if given and _value(found[1]) not in given:
            yield found[0] + thing[0]


def _numbers_of(thing: str, source: str) -> set[int]:
    """The numbers before a thing, with up to three words between."""
    return {
        _value(found[1])
        for found in _COUNT.finditer(source)
        if thing in map(_root, re.findall(r"[a-z]+", _BEHIND.match(source, found.end())[0].casefold()))  # type: ignore[index]
    }


def _value(number: str) -> int:
    return _COUNTS.get(number.lower()) or int(number)
