"""A sheet read back from text, as any editor may have left it. What cannot be read is named by its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from digest.errors import DraftError
from digest.issues.chunks import DraftBlock, split_blocks
from digest.issues.escape import decode_mark_value, unescape_markdown
from digest.issues.front import parse_front_matter
from digest.issues.lines import candidate_to_pick, parse_candidate, parse_pick
from digest.issues.values import AddedUrl, Draft, DraftCandidate, DraftPrediction, DraftSection
from digest.issues.words import (
    MODEL_INTRO,
    RULE_LINE,
    compute_checksum,
    dedent_continuation,
    split_head_fields,
    unescape_prose_lines,
)
from digest.issues.write import CLOSING_ANCHOR, MISSED_ANCHOR, PREDICTIONS_ANCHOR, SHORTLIST_ANCHOR
from digest.text import normalise_line, slugify

_ADDED_URL = re.compile(r"^<?(?P<url>https?://[^\s<>]+)>?[ \t]*(?P<words>.*)$", re.IGNORECASE)


@dataclass(slots=True)
class _ParserState:
    """What was read so far."""

    intro: str = ""
    outro: str = ""
    scratch: list[str] = field(default_factory=list)
    sections: list[DraftSection] = field(default_factory=list)
    predictions: list[DraftPrediction] = field(default_factory=list)
    missed: list[DraftCandidate] = field(default_factory=list)
    shortlist: list[DraftCandidate] = field(default_factory=list)
    moved_candidates: list[DraftCandidate] = field(default_factory=list)
    current_part: str = "intro"  # where we are: intro, sections, or one of the reserved headings
    line_numbers: dict[str, int] = field(default_factory=dict)  # what stands where


def parse_draft(text: str) -> Draft:
    """Read a sheet. Raises SheetError with the line of the first thing that has no meaning."""
    return parse_draft_with_lines(text)[0]


def parse_draft_with_lines(text: str) -> tuple[Draft, dict[str, int]]:
    """A sheet, and the line of each part that is named: `section SLUG`, `pick KEY`, `note ID`, `missed KEY`."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    sheet, start = parse_front_matter(lines)
    reading, cut = _ParserState(), split_blocks(lines, start)
    _drop_shortlist_rule(cut)
    for chunk in cut:
        _BLOCK_READERS[chunk.kind](reading, chunk)
    whole = replace(
        sheet,
        intro=reading.intro,
        outro=reading.outro,
        sections=tuple(reading.sections),
        predictions=tuple(reading.predictions),
        missed=tuple(reading.missed),
        shortlist=tuple(reading.shortlist),
        scratch=unescape_prose_lines(reading.scratch),
        moved_candidates=tuple(reading.moved_candidates),
        conflicts=tuple(conflict for chunk in cut if chunk.kind != "pick" for conflict in chunk.conflicts),
    )
    return whole, reading.line_numbers


def _drop_shortlist_rule(blocks: Sequence[DraftBlock]) -> None:
    """Take out the line above the shortlist."""
    for before, chunk in pairwise(blocks):
        if chunk.kind == "section" and chunk.match and chunk.match["anchor"] == SHORTLIST_ANCHOR:
            while before.body and not before.body[-1].strip():
                before.body.pop()
            if before.body and RULE_LINE.match(before.body[-1]):
                before.body.pop()


def _read_intro(state: _ParserState, block: DraftBlock) -> None:
    state.intro = unescape_prose_lines(block.body)


def _read_section(state: _ParserState, block: DraftBlock) -> None:
    anchor, title = _match_groups(block, "anchor", "title")
    if anchor in (SHORTLIST_ANCHOR, PREDICTIONS_ANCHOR, MISSED_ANCHOR, CLOSING_ANCHOR):
        _register_once(state, block, f"the heading {{#{anchor}}}", anchor)
        state.current_part = anchor
        _read_reserved_section(state, block)
        return
    state.current_part = "sections"
    name = normalise_line(unescape_markdown(title))
    if not name:
        raise DraftError("this section has no title", "write '## Title', or delete the line", line=block.line)
    fields, body = split_head_fields(block.body, ("closing",))
    known = anchor.removeprefix("n:") or slugify(name)
    _register_once(state, block, f"section {known!r}", f"section {known}")
    note, engine = _parse_section_intro(body)
    state.sections.append(DraftSection(known, name, note, fields.get("closing", ""), engine=engine))


def _parse_section_intro(lines: list[str]) -> tuple[str, str]:
    """The prose under a heading and who wrote it: a model, while its words fit their seal, else the editor."""
    match = MODEL_INTRO.match("\n".join(lines))
    if match is None:
        return unescape_prose_lines(lines), ""
    note = unescape_prose_lines(match["words"].split("\n"))
    return (
        (normalise_line(note), decode_mark_value(match["by"])) if compute_checksum(note) == match["sum"] else (note, "")
    )


def _read_reserved_section(state: _ParserState, block: DraftBlock) -> None:
    words = unescape_prose_lines(block.body)
    if state.current_part == CLOSING_ANCHOR:
        state.outro = words
    elif state.current_part == SHORTLIST_ANCHOR:
        state.scratch += block.body
    elif words:
        hint = "write them behind one of the lines, or into the introduction"
        raise DraftError("words above the first line have no place", hint, line=block.line + 1)


def _read_pick(state: _ParserState, block: DraftBlock) -> None:
    entry = parse_pick(block)
    if not isinstance(entry, AddedUrl) and state.current_part == SHORTLIST_ANCHOR:
        _register_once(state, block, f"{entry.key} in the shortlist", f"candidate {entry.key}")
        words = entry.blurb if entry.origin == "editor" else ""
        state.shortlist.append(
            DraftCandidate(
                entry.key,
                entry.title,
                entry.url,
                entry.facts,
                covered=entry.covered,
                possible_duplicate=entry.possible_duplicate,
                editor_text=words,
            )
        )
        return
    if not isinstance(entry, AddedUrl):
        _register_once(state, block, entry.key, f"pick {entry.key}")
    _append_entry(state, block, entry)


def _read_candidate(state: _ParserState, block: DraftBlock) -> None:
    read = parse_candidate(block)
    if isinstance(read, DraftPrediction):
        _register_once(state, block, f"the bet {read.id}", f"note {read.id}")
        state.predictions.append(read)
    elif state.current_part in (SHORTLIST_ANCHOR, MISSED_ANCHOR):
        where, lines = (
            ("candidate", state.shortlist) if state.current_part == SHORTLIST_ANCHOR else ("missed", state.missed)
        )
        _register_once(state, block, f"{read.key} in this list", f"{where} {read.key}")
        lines.append(read)
    else:
        _register_once(state, block, read.key, f"pick {read.key}")
        _append_entry(state, block, candidate_to_pick(read))
        state.moved_candidates.append(read)


def _read_added_url(state: _ParserState, block: DraftBlock) -> None:
    (rest,) = _match_groups(block, "rest")
    match = _ADDED_URL.match(rest)
    if match is None:
        raise DraftError(f"{rest!r} holds no address", "write - <https://…> and your words", line=block.line)
    words = unescape_prose_lines([match["words"], *dedent_continuation(block.body)])
    _append_entry(state, block, AddedUrl(match["url"], words))


def _append_entry(state: _ParserState, block: DraftBlock, entry: Any) -> None:
    if state.current_part != "sections":
        raise DraftError("this pick stands in no section", "move it under a '## ' heading", line=block.line)
    last = state.sections[-1]
    state.sections[-1] = replace(last, entries=(*last.entries, entry))


def _match_groups(block: DraftBlock, *names: str) -> tuple[str, ...]:
    return tuple((block.match[name] or "").strip() if block.match else "" for name in names)


def _register_once(state: _ParserState, block: DraftBlock, description: str, name: str) -> None:
    if name in state.line_numbers:
        raise DraftError(
            f"{description} stands twice (first on line {state.line_numbers[name]})", "delete one", line=block.line
        )
    state.line_numbers[name] = block.line


_BLOCK_READERS = {
    "intro": _read_intro,
    "section": _read_section,
    "pick": _read_pick,
    "line": _read_candidate,
    "added": _read_added_url,
}
