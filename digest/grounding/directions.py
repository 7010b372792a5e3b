"""Which way a claim points where its source points the other: from and to, least and most, more and less, up, down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from digest.grounding.relations import content

_FROM_TO = re.compile(r"\bfrom ([~$]?\d\S*) to ([~$]?\d\S*)", re.I)
_BOUND = re.compile(
    r"(?P<most>at most|up to|no more than|less than or equal to|(?:less|fewer) than|under|below|[<≤]=?)"
    r"|(?P<least>at least|no (?:less|fewer) than|(?:greater|more) than(?: or equal to)?|over|above|[>≥]=?)",
    re.I,
)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
_DEGREE = re.compile(r"\b(more|less) ((?!than\b)[a-z]{5,})", re.I)
_COURSE = re.compile(
    r"\b(?:(?P<up>increas|rais|boost)|(?P<down>decreas|reduc|lower|shrink|cut))(?:e|es|ed|s|ing)?\b "
    r"(?P<thing>[^,.;:]{3,60})",
    re.I,
)
_WITHOUT = re.compile(r"\b(?:without|no|not|lack\w*|remov\w*|absen\w*|instead of)\b", re.I)
_OBJECT = 3  # words of carrying meaning that what is raised or lowered is known by


def turned_round(piece: str, text: str, sentences: Sequence[str]) -> Iterator[str]:
    """What of a claim points the other way in its source, and nowhere the same."""
    yield from _exchanged(piece, text)
    yield from _bounded(piece, text)
    for sentence in sentences:
        yield from _degrees(piece, sentence)
    yield from _courses(piece, sentences)


def _ends(text: str) -> dict[tuple[str, str], str]:
    return {
        (found[1].strip(".,;:)"), found[2].strip(".,;:)")): found[0].strip(".,;:)") for found in _FROM_TO.finditer(text)
    }


def _exchanged(piece: str, text: str) -> Iterator[str]:
    """`from 3 to 2` where the source goes from 2 to 3."""
    theirs = _ends(text)
    yield from (said for ends, said in _ends(piece).items() if ends not in theirs and ends[::-1] in theirs)


def _bounds(text: str) -> Iterator[tuple[str, str, str]]:
    """Each number with the side it is bounded on (most, least or none), and how that is said."""
    for found in _NUMBER.finditer(text):
        before = text[max(0, found.start() - 30) : found.start()].rstrip(" $~")
        bound = next((b for b in _BOUND.finditer(before) if b.end() == len(before)), None)
        yield found[0], (bound and bound.lastgroup) or "", f"{bound[0]} {found[0]}" if bound else found[0]


def _bounded(piece: str, text: str) -> Iterator[str]:
    """`at least 2` where the source bounds that number, wherever it has it, from the other side."""
    theirs: dict[str, set[str]] = {}
    for number, side, _ in _bounds(text):
        theirs.setdefault(number, set()).add(side)
    other = {"most": {"least"}, "least": {"most"}}
    yield from (said for number, side, said in _bounds(piece) if side and theirs.get(number) == other[side])


def _degrees(piece: str, sentence: str) -> Iterator[str]:
    """`more likely` of what the source calls less likely; the two of a comparison may stand the other way round."""
    for mine in _DEGREE.finditer(piece):
        for theirs in _DEGREE.finditer(sentence):
            if mine[2].lower() != theirs[2].lower() or mine[1].lower() == theirs[1].lower():
                continue
            left, before = content(piece[: mine.start()]), content(sentence[: theirs.start()])
            if left and left <= before and not _DEGREE.search(piece[: mine.start()]):
                yield mine[0]


def _courses(piece: str, sentences: Sequence[str]) -> Iterator[str]:
    """`raised the rate` of what the source says lowered it."""
    if _WITHOUT.search(piece):
        return
    for mine in _COURSE.finditer(piece):
        thing = content(" ".join(mine["thing"].split()[: _OBJECT + 1]))
        about = [s for s in sentences if content(piece[: mine.start()]) & content(s)]
        ways = {bool(t["up"]) for s in about for t in _COURSE.finditer(s) if thing and thing <= content(t["thing"])}
        if ways == {not mine["up"]}:
            yield mine[0]
