"""The comment that explains a sheet on top of it, and the words an editor typed into it by mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from digest.issues.values import Draft

_HELP_COMMENT = """<!-- digest: how to work on this sheet
  Write the introduction below this comment. Reorder, rewrite, delete, move picks between sections, as you like.
  A pick begins at its ### line and ends where the next one begins. Keep the comment that holds its key.
  A pick from the shortlist: tick [x], or move its line up into a section; [-] turns it down.
  A work of your own: a line "- <https://...> my words" in a section.
  Under a pick's title: "> Highlight: why", "> Also noted", "> Update of 2026-03". A dead link: write another.
  A section of your own: "## Title". Then `digest check PERIOD` and `digest approve PERIOD`. -->"""
_OWN_SECTION_HELP = '  A section of your own: "## Title".'
_MISSED_HELP = (
    '  Under "Missed", what others named and no issue has: untick or delete a line, or write your words behind it.\n'
)
_FULL_HELP_COMMENT = _HELP_COMMENT.replace(_OWN_SECTION_HELP, _MISSED_HELP + _OWN_SECTION_HELP)
_MIN_MATCHING_WORDS = 3  # words of ours; fewer between two of theirs are theirs too
_PERIOD_PATTERN = re.compile(r"\d{4}(?:-\w+)?(?:\.\.\d{4}-\d\d)?|PERIOD")
_WORD_PATTERN = re.compile(r"-->|(?:(?!-->)\S)+")


def render_help_comment(draft: Draft) -> str:
    """What an editor must know, in a comment no reader sees."""
    return (_FULL_HELP_COMMENT if draft.missed else _HELP_COMMENT).replace("PERIOD", draft.period)


def extract_typed_lines(comment: str) -> list[str]:
    """The lines typed into the comment, each stretch behind a blank one; how it is wrapped does not matter."""
    ours, theirs = _split_help_words(_FULL_HELP_COMMENT), _split_help_words(comment)
    found = list(_WORD_PATTERN.finditer(comment))
    lines: list[str] = []
    for start, end in _iter_inserted_ranges(SequenceMatcher(None, ours, theirs, autojunk=False)):
        stretch = comment[found[start].start() : found[end - 1].end()]
        lines += ["", *(line.strip() for line in stretch.split("\n")), ""]
    return lines


def _split_help_words(text: str) -> list[str]:
    return [_PERIOD_PATTERN.sub("PERIOD", match[0]) for match in _WORD_PATTERN.finditer(text)]


def _iter_inserted_ranges(match: SequenceMatcher[str]) -> Iterator[tuple[int, int]]:
    """Where words stand that are not ours, from and up to."""
    start = end = -1
    for tag, _, _, here, until in match.get_opcodes():
        if tag in ("insert", "replace"):
            start, end = (start, until) if start >= 0 else (here, until)
        elif tag == "equal" and until - here >= _MIN_MATCHING_WORDS and start >= 0:
            yield start, end
            start = -1
    if start >= 0:
        yield start, end
