"""Measure the grounding check: falsify true sentences in known ways, and count what the check flags."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from digest.blurbs.extract import extract_quote
from digest.blurbs.grounding import GroundingSource, check_grounding, prepare_grounding_source
from digest.blurbs.grounding.claims import find_names, normalize_for_comparison
from digest.text import normalise_line
from digest.text.sentences import split_sentences

if TYPE_CHECKING:
    from digest.embeddings import EmbeddingTable

_DIGITS = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?")
VERBATIM_TEST = "verbatim sentence"  # the one test of true sentences
GROUNDING_GATES = {  # percent flagged: at most for true sentences, at least for falsified ones
    VERBATIM_TEST: 0.0,
    "number changed": 92.0,
    "name swapped": 79.0,
    "citation invented": 100.0,
    "link invented": 100.0,
    "praise added": 100.0,
    "another work's blurb": 89.0,
}


class GroundingWork(NamedTuple):
    """A stored text, prepared as a source, and the blurb extracted from it."""

    title: str
    text: str
    source: GroundingSource
    blurb: str


class GroundingOutcome(NamedTuple):
    """The number of texts of a test, the percentage flagged, and whether that passes the gate."""

    test: str
    texts: int
    flagged_percent: float
    passed: bool


GroundingCase = tuple[str, GroundingSource]
CaseBuilder = Callable[[Sequence[GroundingWork]], Iterable[GroundingCase]]


def measure_grounding(
    texts: Iterable[tuple[str, str]], vectors: EmbeddingTable, seed: int = 1
) -> list[GroundingOutcome]:
    """Run each test over works given as (title, abstract); one that finds nothing to change is left out."""
    works = [
        GroundingWork(title, text, prepare_grounding_source(title, text), extract_quote(title, text, vectors).text)
        for title, text in texts
    ]
    dice = random.Random(seed)  # noqa: S311  the same changes every time
    tests: dict[str, CaseBuilder] = {
        VERBATIM_TEST: _verbatim_cases,
        "number changed": lambda works: _changed_number_cases(works, dice),
        "name swapped": lambda works: _swapped_name_cases(works, dice),
        "citation invented": _appended_text_cases("It extends Smith et al. (2023)."),
        "link invented": _appended_text_cases("More at https://example.org/more."),
        "praise added": _appended_text_cases("This is a groundbreaking result."),
        "another work's blurb": _other_blurb_cases,
    }
    return [outcome for name, cases in tests.items() if (outcome := _run_test(name, list(cases(works)), vectors))]


def _run_test(test: str, cases: Sequence[GroundingCase], vectors: EmbeddingTable) -> GroundingOutcome | None:
    if not cases:
        return None
    near = vectors if test in (VERBATIM_TEST, "another work's blurb") else None
    flagged = 100 * sum(bool(check_grounding(text, source, embeddings=near)) for text, source in cases) / len(cases)
    gate = GROUNDING_GATES[test]
    return GroundingOutcome(test, len(cases), flagged, flagged <= gate if test == VERBATIM_TEST else flagged >= gate)


def _verbatim_cases(works: Sequence[GroundingWork]) -> Iterator[GroundingCase]:
    return ((piece, work.source) for work in works for piece in split_sentences(normalise_line(work.text)))


def _changed_number_cases(works: Sequence[GroundingWork], dice: random.Random) -> Iterator[GroundingCase]:
    """Raise the first number of each sentence by one to nine."""
    for piece, source in _verbatim_cases(works):
        if match := _DIGITS.search(piece):
            old, more = match[0], dice.randint(1, 9)
            new = f"{float(old) + more:.1f}" if "." in old else str(int(old) + more)
            yield piece[: match.start()] + new + piece[match.end() :], source


def _swapped_name_cases(works: Sequence[GroundingWork], dice: random.Random) -> Iterator[GroundingCase]:
    """Replace the first name of each blurb by one of another work's."""
    for number, work in enumerate(works):
        other = works[(number + 7) % len(works)]
        others = sorted(set(find_names(normalize_for_comparison(f"{other.title}. {other.text}"))))
        names = [name for name in find_names(normalize_for_comparison(work.blurb)) if name in work.blurb]
        if names and others and other is not work:
            yield work.blurb.replace(names[0], dice.choice(others)), work.source


def _appended_text_cases(text: str) -> CaseBuilder:
    return lambda works: [(f"{work.blurb} {text}", work.source) for work in works]


def _other_blurb_cases(works: Sequence[GroundingWork]) -> Iterator[GroundingCase]:
    half = len(works) // 2
    return ((works[(number + half) % len(works)].blurb, work.source) for number, work in enumerate(works) if half)
