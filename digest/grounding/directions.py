"""Which way a claim points where its source points the other: from and to, least and most, more and less, up, down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from digest.grounding.relations import extract_content_stems

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
