"""Measure the grounding check: falsify true sentences in known ways, and count what the check flags."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from digest.blurbs.extract import extract_quote
from digest.blurbs.grounding import GroundingSource, check_grounding, prepare_grounding_source
from digest.blurbs.grounding.claims import find_names, find_numbers, normalize_for_comparison
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
    "number from elsewhere": 60.0,
    "name from elsewhere": 60.0,
    "numbers exchanged": 60.0,
    "names exchanged": 60.0,
    "invention appended": 90.0,
    "cause invented": 60.0,
    "scope widened": 60.0,
    "subject exchanged": 50.0,
}
_TESTS_WITH_VECTORS = (VERBATIM_TEST, "another work's blurb", "invention appended")
_INVENTIONS = (
    "It also cuts training costs for small teams.",
    "The approach has since been adopted by several hospitals.",
    "Users preferred its answers in a blind study.",
    "It runs on a laptop without a graphics card.",
    "Most of the gain comes from better data cleaning.",
    "A follow-up is expected within the year.",
    "The results held for each language that was tested.",
    "Experts judged the outputs to be safer than before.",
    "The work was funded by a government grant.",
    "The dataset was collected from online forums.",
    "The effect is strongest for questions about medicine.",
    "The system asks a person before it acts.",
)
_CAUSES = (
    "because its data was cleaned by hand",
    "thanks to a larger vocabulary",
    "since the users were trained beforehand",
    "due to faster hardware",
)
_QUANTITY = re.compile(
    r"\b(?:some|several|many|most|a few|two|three|four|five|six|seven|eight|nine|ten|\d+) (?=[a-z]{4,}s\b)"
    r"|\b(?:often|sometimes|usually|mostly|frequently)\b",
    re.I,
)
_OWN_SUBJECT = re.compile(
    r"(?:We|It|Our (?:method|approach|model|framework|results?)|Th(?:is|e) (?:paper|work|method|approach|model|framework|system))\b"
)


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
        "number from elsewhere": lambda works: _misplaced_value_cases(works, _find_plain_numbers, dice),
        "name from elsewhere": lambda works: _misplaced_value_cases(works, _find_plain_names, dice),
        "numbers exchanged": lambda works: _exchanged_value_cases(works, _find_plain_numbers, dice),
        "names exchanged": lambda works: _exchanged_value_cases(works, _find_plain_names, dice),
        "invention appended": _invention_cases,
        "cause invented": _cause_cases,
        "scope widened": _widened_scope_cases,
        "subject exchanged": lambda works: _exchanged_subject_cases(works, dice),
    }
    return [outcome for name, cases in tests.items() if (outcome := _run_test(name, list(cases(works)), vectors))]


def _run_test(test: str, cases: Sequence[GroundingCase], vectors: EmbeddingTable) -> GroundingOutcome | None:
    if not cases:
        return None
    near = vectors if test in _TESTS_WITH_VECTORS else None
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


def _find_plain_numbers(text: str) -> list[str]:
    names = set(find_names(text))
    return list(dict.fromkeys(n.text for n in find_numbers(text) if n.text not in names and n.text[0].isdigit()))


def _find_plain_names(text: str) -> list[str]:
    return list(dict.fromkeys(find_names(text)))


def _replace_value(sentence: str, old: str, new: str) -> str:
    return re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", lambda _: new, sentence, count=1)


def _sentences_with_values(
    works: Sequence[GroundingWork], find_values: Callable[[str], list[str]]
) -> Iterator[tuple[str, list[str], GroundingSource]]:
    """Yield each sentence, normalised, with the values in it and its source."""
    for piece, source in _verbatim_cases(works):
        sentence = normalize_for_comparison(piece)
        yield sentence, find_values(sentence), source


def _misplaced_value_cases(
    works: Sequence[GroundingWork], find_values: Callable[[str], list[str]], dice: random.Random
) -> Iterator[GroundingCase]:
    """Replace a value of each sentence by another one of the same text."""
    for sentence, values, source in _sentences_with_values(works, find_values):
        others = [value for value in find_values(source.text) if not any(value in v or v in value for v in values)]
        if values and others:
            changed = _replace_value(sentence, dice.choice(values), dice.choice(others))
            if changed != sentence:
                yield changed, source


def _exchanged_value_cases(
    works: Sequence[GroundingWork], find_values: Callable[[str], list[str]], dice: random.Random
) -> Iterator[GroundingCase]:
    """Exchange two values of each sentence that has two."""
    for sentence, values, source in _sentences_with_values(works, find_values):
        if len(values) < 2:
            continue
        first, second = dice.sample(values, 2)
        changed = _replace_value(_replace_value(_replace_value(sentence, first, "\0"), second, first), "\0", second)
        if first not in second and second not in first and "\0" not in changed and changed != sentence:
            yield changed, source


def _invention_cases(works: Sequence[GroundingWork]) -> Iterator[GroundingCase]:
    """Append a sentence that no source of the kind holds to each blurb."""
    for number, work in enumerate(works):
        yield f"{work.blurb} {_INVENTIONS[number % len(_INVENTIONS)]}", work.source


def _cause_cases(works: Sequence[GroundingWork]) -> Iterator[GroundingCase]:
    """Give each sentence of eight words or more a cause."""
    for number, (piece, source) in enumerate(_verbatim_cases(works)):
        if len(piece.split()) >= 8:
            yield f"{piece.rstrip('.')}, {_CAUSES[number % len(_CAUSES)]}.", source


def _widened_scope_cases(works: Sequence[GroundingWork]) -> Iterator[GroundingCase]:
    """Say `all` or `always` where a sentence says how many or how often."""
    for piece, source in _verbatim_cases(works):
        if match := _QUANTITY.search(piece):
            wide = "all " if match[0].endswith(" ") else "always"
            yield piece[: match.start()] + wide + piece[match.end() :], source


def _exchanged_subject_cases(works: Sequence[GroundingWork], dice: random.Random) -> Iterator[GroundingCase]:
    """Let another name of the text do what the work itself does."""
    for piece, source in _verbatim_cases(works):
        names = [name for name in find_names(source.text) if name not in piece]
        if names and (match := _OWN_SUBJECT.match(piece)):
            yield dice.choice(names) + piece[match.end() :], source
