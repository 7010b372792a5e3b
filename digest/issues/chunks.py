"""A sheet's lines cut where one has a meaning: headings, picks, marked lines, added addresses; comments taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from digest.errors import SheetError
from digest.issues.help import typed_into
from digest.issues.values import Conflict
from digest.issues.words import ADDED, COMMENT, LINE, PICK, SECTION, fenced, plain
from digest.text import strip_hidden

_KINDS = (("section", SECTION), ("pick", PICK), ("line", LINE), ("added", ADDED))
_WRAPPED = re.compile(r" {0,3}(?:###(?!#)|[-*+][ \t]+(?:\\?\[|(?:open|right|wrong): )|<small>)")
_CLOSED = re.compile(r"-->|</small>")
_CONFLICT = re.compile(r"\s*<!--\s*conflict\s+([\w ]+):[^\n]*\n?(.*)-->$", re.DOTALL)


@dataclass(slots=True)
class Chunk:
    """A line with a meaning and the lines that belong to it. Kinds: intro, section, pick, line, added."""

    line: int
    kind: str
    match: re.Match[str] | None = None
    body: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)


def chunks(lines: Sequence[str], start: int) -> list[Chunk]:
    """Cut the lines from index `start` on; the first chunk is the introduction."""
    out = [Chunk(start + 1, "intro")]
    code = fenced(lines)
    for number, line in _whole_lines(lines, start, code):
        if number - 1 in code:
            out[-1].body.append(line)
            continue
        if COMMENT.match(line):
            comment, _, behind = line.partition("-->")
            conflicts = list(_conflict(comment + "-->"))
            out[-1].conflicts += conflicts
            out[-1].body += [] if conflicts else typed_into(comment + "-->")
            out[-1].body += [behind.strip()] if behind.strip() else []
            continue
        kind, match = next(((kind, m) for kind, pattern in _KINDS if (m := pattern.match(line))), ("", None))
        if match is None or (kind == "added" and not _among_picks(out)):
            out[-1].body.append(line)
        else:
            out.append(Chunk(number, kind, match))
    return out


def _among_picks(out: Sequence[Chunk]) -> bool:
    """A bare address adds a work only in a section of picks."""
    opened = next((chunk.match for chunk in reversed(out) if chunk.kind == "section"), None)
    return opened is not None and not (opened["anchor"] or "").startswith("digest:")


def _whole_lines(lines: Sequence[str], start: int, code: frozenset[int]) -> Iterator[tuple[int, str]]:
    """Our comments whole, and marked lines that an editor wrapped joined again, each with its first line's number."""
    here = start
    while here < len(lines):
        line, end = strip_hidden(lines[here]), here + 1
        if here in code:
            pass
        elif COMMENT.match(line):
            end = _comment_end(lines, here)
            line = "\n".join(map(strip_hidden, lines[here:end]))
        elif _WRAPPED.match(line) and not _CLOSED.search(line):
            end = _wrapped_end(lines, here)
            line = " ".join([line.rstrip(), *(strip_hidden(part).strip() for part in lines[here + 1 : end])])
        yield here + 1, line
        here = end


def _comment_end(lines: Sequence[str], here: int) -> int:
    for end in range(here, len(lines)):
        if SECTION.match(lines[end]) or PICK.match(lines[end]):
            break
        if "-->" in lines[end]:
            return end + 1
    raise SheetError("this comment never ends", "close it with -->", line=here + 1)


def _wrapped_end(lines: Sequence[str], here: int) -> int:
    for end in range(here + 1, len(lines)):
        line = lines[end]
        if not line.strip() or SECTION.match(line) or _WRAPPED.match(line) or COMMENT.match(line):
            break
        if _CLOSED.search(line):
            return end + 1
    return here + 1


def _conflict(comment: str) -> Iterator[Conflict]:
    if match := _CONFLICT.match(comment):
        yield Conflict(match[1].strip(), plain(match[2]))
