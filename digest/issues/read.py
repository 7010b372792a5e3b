"""A sheet read back from text, as any editor may have left it. What cannot be read is named by its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from digest.errors import SheetError
from digest.issues.chunks import Chunk, chunks
from digest.issues.escape import mark_text, unescape
from digest.issues.front import front_matter
from digest.issues.lines import as_pick, candidate_line, pick_line
from digest.issues.values import AddedUrl, Sheet, SheetCandidate, SheetNote, SheetSection
from digest.issues.words import RULE, WRITTEN, dedent, head_fields, seal, unshield
from digest.issues.write import CLOSING, MISSED, NOTES, SHORTLIST
from digest.text import one_line, slug

_ADDRESS = re.compile(r"^<?(?P<url>https?://[^\s<>]+)>?[ \t]*(?P<words>.*)$", re.IGNORECASE)


@dataclass(slots=True)
class _Reading:
    """What was read so far."""

    intro: str = ""
    outro: str = ""
    scratch: list[str] = field(default_factory=list)
    sections: list[SheetSection] = field(default_factory=list)
    notes: list[SheetNote] = field(default_factory=list)
    missed: list[SheetCandidate] = field(default_factory=list)
    shortlist: list[SheetCandidate] = field(default_factory=list)
    moved: list[SheetCandidate] = field(default_factory=list)
    part: str = "intro"  # where we are: intro, sections, or one of the reserved headings
    seen: dict[str, int] = field(default_factory=dict)  # what stands where


def parse(text: str) -> Sheet:
    """Read a sheet. Raises SheetError with the line of the first thing that has no meaning."""
    return placed(text)[0]


def placed(text: str) -> tuple[Sheet, dict[str, int]]:
    """A sheet, and the line of each part that is named: `section SLUG`, `pick KEY`, `note ID`, `missed KEY`."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    sheet, start = front_matter(lines)
    reading, cut = _Reading(), chunks(lines, start)
    _drop_rule(cut)
    for chunk in cut:
        _TAKE[chunk.kind](reading, chunk)
    whole = replace(
        sheet,
        intro=reading.intro,
        outro=reading.outro,
        sections=tuple(reading.sections),
        notes=tuple(reading.notes),
        missed=tuple(reading.missed),
        shortlist=tuple(reading.shortlist),
        scratch=unshield(reading.scratch),
        moved=tuple(reading.moved),
        conflicts=tuple(conflict for chunk in cut if chunk.kind != "pick" for conflict in chunk.conflicts),
    )
    return whole, reading.seen


def _drop_rule(cut: Sequence[Chunk]) -> None:
    """Take out the line above the shortlist."""
    for before, chunk in pairwise(cut):
        if chunk.kind == "section" and chunk.match and chunk.match["anchor"] == SHORTLIST:
            while before.body and not before.body[-1].strip():
                before.body.pop()
            if before.body and RULE.match(before.body[-1]):
                before.body.pop()


def _intro(reading: _Reading, chunk: Chunk) -> None:
    reading.intro = unshield(chunk.body)


def _section(reading: _Reading, chunk: Chunk) -> None:
    anchor, title = _groups(chunk, "anchor", "title")
    if anchor in (SHORTLIST, NOTES, MISSED, CLOSING):
        _once(reading, chunk, f"the heading {{#{anchor}}}", anchor)
        reading.part = anchor
        _reserved(reading, chunk)
        return
    reading.part = "sections"
    name = one_line(unescape(title))
    if not name:
        raise SheetError("this section has no title", "write '## Title', or delete the line", line=chunk.line)
    fields, body = head_fields(chunk.body, ("closing",))
    known = anchor.removeprefix("n:") or slug(name)
    _once(reading, chunk, f"section {known!r}", f"section {known}")
    note, engine = _note(body)
    reading.sections.append(SheetSection(known, name, note, fields.get("closing", ""), engine=engine))


def _note(lines: list[str]) -> tuple[str, str]:
    """The prose under a heading and who wrote it: a model, while its words fit their seal, else the editor."""
    match = WRITTEN.match("\n".join(lines))
    if match is None:
        return unshield(lines), ""
    note = unshield(match["words"].split("\n"))
    return (one_line(note), mark_text(match["by"])) if seal(note) == match["sum"] else (note, "")


def _reserved(reading: _Reading, chunk: Chunk) -> None:
    words = unshield(chunk.body)
    if reading.part == CLOSING:
        reading.outro = words
    elif reading.part == SHORTLIST:
        reading.scratch += chunk.body
    elif words:
        hint = "write them behind one of the lines, or into the introduction"
        raise SheetError("words above the first line have no place", hint, line=chunk.line + 1)


def _pick(reading: _Reading, chunk: Chunk) -> None:
    entry = pick_line(chunk)
    if not isinstance(entry, AddedUrl) and reading.part == SHORTLIST:
        _once(reading, chunk, f"{entry.key} in the shortlist", f"candidate {entry.key}")
        words = entry.blurb if entry.origin == "editor" else ""
        reading.shortlist.append(
            SheetCandidate(
                entry.key, entry.title, entry.url, entry.facts, covered=entry.covered, twin=entry.twin, words=words
            )
        )
        return
    if not isinstance(entry, AddedUrl):
        _once(reading, chunk, entry.key, f"pick {entry.key}")
    _append(reading, chunk, entry)


def _line(reading: _Reading, chunk: Chunk) -> None:
    read = candidate_line(chunk)
    if isinstance(read, SheetNote):
        _once(reading, chunk, f"the bet {read.id}", f"note {read.id}")
        reading.notes.append(read)
    elif reading.part in (SHORTLIST, MISSED):
        where, lines = ("candidate", reading.shortlist) if reading.part == SHORTLIST else ("missed", reading.missed)
        _once(reading, chunk, f"{read.key} in this list", f"{where} {read.key}")
        lines.append(read)
    else:
        _once(reading, chunk, read.key, f"pick {read.key}")
        _append(reading, chunk, as_pick(read))
        reading.moved.append(read)


def _added(reading: _Reading, chunk: Chunk) -> None:
    (rest,) = _groups(chunk, "rest")
    match = _ADDRESS.match(rest)
    if match is None:
        raise SheetError(f"{rest!r} holds no address", "write - <https://…> and your words", line=chunk.line)
    words = unshield([match["words"], *dedent(chunk.body)])
    _append(reading, chunk, AddedUrl(match["url"], words))


def _append(reading: _Reading, chunk: Chunk, entry: Any) -> None:
    if reading.part != "sections":
        raise SheetError("this pick stands in no section", "move it under a '## ' heading", line=chunk.line)
    last = reading.sections[-1]
    reading.sections[-1] = replace(last, entries=(*last.entries, entry))


def _groups(chunk: Chunk, *names: str) -> tuple[str, ...]:
    return tuple((chunk.match[name] or "").strip() if chunk.match else "" for name in names)


def _once(reading: _Reading, chunk: Chunk, what: str, name: str) -> None:
    if name in reading.seen:
        raise SheetError(f"{what} stands twice (first on line {reading.seen[name]})", "delete one", line=chunk.line)
    reading.seen[name] = chunk.line


_TAKE = {"intro": _intro, "section": _section, "pick": _pick, "line": _line, "added": _added}
