"""Measures the check: true sentences are made untrue in known ways, and what it flags is counted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from digest.grounding.check import Source, check, source_of
from digest.grounding.claims import names, normal
from digest.grounding.quote import quote
from digest.text import one_line, sentences

if TYPE_CHECKING:
    from digest.vectors import Vectors

_DIGITS = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?")
TRUE = "verbatim sentence"  # the one test in which nothing was made untrue
GATES = {  # percent: at most for what is true, at least for what is not
    TRUE: 0.0,
    "number changed": 92.0,
    "name swapped": 79.0,
    "citation invented": 100.0,
    "link invented": 100.0,
    "praise added": 100.0,
    "another work's blurb": 89.0,
}


class Work(NamedTuple):
    """A stored text, ready to be checked against, and the blurb quoted from it."""

    title: str
    text: str
    source: Source
    blurb: str


class Outcome(NamedTuple):
    """How many texts of a sort were checked, how many percent of them flagged, and whether that passes the gate."""

    test: str
    texts: int
    flagged: float
    passed: bool


Case = tuple[str, Source]
Cases = Callable[[Sequence[Work]], Iterable[Case]]


def evaluate(texts: Iterable[tuple[str, str]], vectors: Vectors, seed: int = 1) -> list[Outcome]:
    """One outcome a test over works given as (title, abstract); a test that finds nothing to change is left out."""
    works = [Work(title, text, source_of(title, text), quote(title, text, vectors).text) for title, text in texts]
    dice = random.Random(seed)  # noqa: S311  the same changes every time
    tests: dict[str, Cases] = {
        TRUE: _verbatim,
        "number changed": lambda works: _numbers(works, dice),
        "name swapped": lambda works: _names(works, dice),
        "citation invented": _adding("It extends Smith et al. (2023)."),
        "link invented": _adding("More at https://example.org/more."),
        "praise added": _adding("This is a groundbreaking result."),
        "another work's blurb": _another,
    }
    return [outcome for name, cases in tests.items() if (outcome := _outcome(name, list(cases(works)), vectors))]


def _outcome(test: str, cases: Sequence[Case], vectors: Vectors) -> Outcome | None:
    if not cases:
        return None
    near = vectors if test in (TRUE, "another work's blurb") else None
    flagged = 100 * sum(bool(check(text, source, vectors=near)) for text, source in cases) / len(cases)
    gate = GATES[test]
    return Outcome(test, len(cases), flagged, flagged <= gate if test == TRUE else flagged >= gate)


def _verbatim(works: Sequence[Work]) -> Iterator[Case]:
    return ((piece, work.source) for work in works for piece in sentences(one_line(work.text)))


def _numbers(works: Sequence[Work], dice: random.Random) -> Iterator[Case]:
    """The first number of each sentence, raised by one to nine."""
    for piece, source in _verbatim(works):
        if found := _DIGITS.search(piece):
            old, more = found[0], dice.randint(1, 9)
            new = f"{float(old) + more:.1f}" if "." in old else str(int(old) + more)
            yield piece[: found.start()] + new + piece[found.end() :], source


def _names(works: Sequence[Work], dice: random.Random) -> Iterator[Case]:
    """The first name of each blurb, for one of another work's."""
    for place, work in enumerate(works):
        other = works[(place + 7) % len(works)]
        theirs = sorted(set(names(normal(f"{other.title}. {other.text}"))))
        ours = [name for name in names(normal(work.blurb)) if name in work.blurb]
        if ours and theirs and other is not work:
            yield work.blurb.replace(ours[0], dice.choice(theirs)), work.source


def _adding(words: str) -> Cases:
    return lambda works: [(f"{work.blurb} {words}", work.source) for work in works]


def _another(works: Sequence[Work]) -> Iterator[Case]:
    half = len(works) // 2
    return ((works[(place + half) % len(works)].blurb, work.source) for place, work in enumerate(works) if half)
