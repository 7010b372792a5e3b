"""A sheet's lines cut where one has a meaning: headings, picks, marked lines, added addresses; comments taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from digest.drafts.model import Conflict
from digest.drafts.syntax import (
    ADDED_URL_LINE,
    CANDIDATE_LINE,
    COMMENT_START,
    PICK_LINE,
    SECTION_LINE,
    find_fenced_lines,
    unescape_paragraphs,
)
from digest.drafts.writer import extract_typed_lines
from digest.errors import DraftError
from digest.text import strip_hidden

_BLOCK_PATTERNS = (("section", SECTION_LINE), ("pick", PICK_LINE), ("line", CANDIDATE_LINE), ("added", ADDED_URL_LINE))
_WRAPPABLE_LINE = re.compile(r" {0,3}(?:###(?!#)|[-*+][ \t]+(?:\\?\[|(?:open|right|wrong): )|<small>)")
_LINE_CLOSED = re.compile(r"-->|</small>")
_CONFLICT_COMMENT = re.compile(r"\s*<!--\s*conflict\s+([\w ]+):[^\n]*\n?(.*)-->$", re.DOTALL)


@dataclass(slots=True)
class DraftBlock:
    """A line with a meaning and the lines that belong to it. Kinds: intro, section, pick, line, added."""

    line: int
    kind: str
    match: re.Match[str] | None = None
    body: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def split_blocks(lines: Sequence[str], start: int) -> list[DraftBlock]:
    """Cut the lines from index `start` on; the first chunk is the introduction."""
    out = [DraftBlock(start + 1, "intro")]
    code = find_fenced_lines(lines)
    for number, line in _iter_joined_lines(lines, start, code):
        if number - 1 in code:
            out[-1].body.append(line)
            continue
        if COMMENT_START.match(line):
            comment, _, behind = line.partition("-->")
            conflicts = list(_parse_conflict(comment + "-->"))
            out[-1].conflicts += conflicts
            out[-1].body += [] if conflicts else extract_typed_lines(comment + "-->")
            out[-1].body += [behind.strip()] if behind.strip() else []
            continue
        kind, match = next(((kind, m) for kind, pattern in _BLOCK_PATTERNS if (m := pattern.match(line))), ("", None))
        if match is None or (kind == "added" and not _is_in_pick_section(out)):
            out[-1].body.append(line)
        else:
            out.append(DraftBlock(number, kind, match))
    return out


def _is_in_pick_section(blocks: Sequence[DraftBlock]) -> bool:
    """A bare address adds a work only in a section of picks."""
    opened = next((chunk.match for chunk in reversed(blocks) if chunk.kind == "section"), None)
    return opened is not None and not (opened["anchor"] or "").startswith("digest:")


def _iter_joined_lines(lines: Sequence[str], start: int, code: frozenset[int]) -> Iterator[tuple[int, str]]:
    """Our comments whole, and marked lines that an editor wrapped joined again, each with its first line's number."""
    here = start
    while here < len(lines):
        line, end = strip_hidden(lines[here]), here + 1
        if here in code:
            pass
        elif COMMENT_START.match(line):
            end = _find_comment_end(lines, here)
            line = "\n".join(map(strip_hidden, lines[here:end]))
        elif _WRAPPABLE_LINE.match(line) and not _LINE_CLOSED.search(line):
            end = _find_wrapped_end(lines, here)
            line = " ".join([line.rstrip(), *(strip_hidden(part).strip() for part in lines[here + 1 : end])])
        yield here + 1, line
        here = end


def _find_comment_end(lines: Sequence[str], start: int) -> int:
    for end in range(start, len(lines)):
        if SECTION_LINE.match(lines[end]) or PICK_LINE.match(lines[end]):
            break
        if "-->" in lines[end]:
            return end + 1
    raise DraftError("this comment never ends", "close it with -->", line=start + 1)


def _find_wrapped_end(lines: Sequence[str], start: int) -> int:
    for end in range(start + 1, len(lines)):
        line = lines[end]
        if not line.strip() or SECTION_LINE.match(line) or _WRAPPABLE_LINE.match(line) or COMMENT_START.match(line):
            break
        if _LINE_CLOSED.search(line):
            return end + 1
    return start + 1


def _parse_conflict(comment: str) -> Iterator[Conflict]:
    if match := _CONFLICT_COMMENT.match(comment):
        yield Conflict(match[1].strip(), unescape_paragraphs(match[2]))
