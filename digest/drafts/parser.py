"""Markdown to `Draft`.

A sheet read back from text, as any editor may have left it. What cannot be read is named by its line.

The front matter of a sheet: few keys, each named when it is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

import yaml

from digest.drafts.blocks import DraftBlock, split_blocks
from digest.drafts.entries import candidate_to_pick, parse_candidate, parse_pick
from digest.drafts.model import AddedUrl, Draft, DraftCandidate, DraftPrediction, DraftSection
from digest.drafts.syntax import (
    MODEL_INTRO,
    RULE_LINE,
    compute_checksum,
    dedent_continuation,
    split_head_fields,
    unescape_prose_lines,
)
from digest.drafts.workflow import STATES
from digest.drafts.writer import CLOSING_ANCHOR, MISSED_ANCHOR, PREDICTIONS_ANCHOR, SHORTLIST_ANCHOR
from digest.errors import DraftError
from digest.markdown.escape import decode_mark_value, unescape_markdown
from digest.text import normalise_line, slugify

_FRONT_MATTER_KEYS = ("layout", "title", "date", "period", "form", "state")
_FRONT_MATTER_CHOICES = {"form": ("category", "month", "both"), "state": STATES}


def parse_front_matter(lines: Sequence[str]) -> tuple[Draft, int]:
    """The sheet with its head filled in, and the index of the first line after the front matter."""
    if not lines or lines[0].rstrip() != "---":
        raise DraftError("the sheet does not begin with front matter", "let the first line be ---", line=1)
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        raise DraftError("the front matter never ends", "close it with a line ---", line=1)
    remark = next((n for n, line in enumerate(lines[:end], 1) if line.lstrip().startswith("#")), None)
    if remark is not None:
        raise DraftError(
            "a remark in the front matter has no place", "write it below the line, or delete it", line=remark
        )
    values = _parse_front_matter_values("\n".join(line.rstrip() for line in lines[1:end]))
    for name in ("title", "date", "period"):
        if name not in values:
            raise DraftError(f"the front matter has no '{name}'", f"add a line '{name}: …'", line=end + 1)
    for name, allowed in _FRONT_MATTER_CHOICES.items():
        if name in values and values[name][0] not in allowed:
            value, line = values[name]
            raise DraftError(f"{name}: {value!r} is unknown", f"write one of {', '.join(allowed)}", line=line)
    texts = {name: value for name, (value, _) in values.items()}
    texts["title"] = normalise_line(texts["title"])
    return Draft(date=_parse_date(*values["date"]), **{k: v for k, v in texts.items() if k != "date"}), end + 1  # type: ignore[arg-type]


def _parse_front_matter_values(text: str) -> dict[str, tuple[str, int]]:
    """Each key's scalar as written, with its line in the sheet."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 2
        raise DraftError(
            "the front matter is not YAML", 'put the title in double quotes: title: "…"', line=line
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise DraftError("the front matter holds no keys", "write 'title: …', 'date: …', 'period: …'", line=2)
    values: dict[str, tuple[str, int]] = {}
    for key, value in root.value:
        line = key.start_mark.line + 2
        if key.value not in _FRONT_MATTER_KEYS:
            near = get_close_matches(str(key.value), _FRONT_MATTER_KEYS, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"known keys: {', '.join(_FRONT_MATTER_KEYS)}"
            raise DraftError(f"{key.value!r} is not a key of a sheet", hint, line=line)
        if not isinstance(value, yaml.ScalarNode):
            raise DraftError(f"'{key.value}' must be a plain value", "put it in double quotes", line=line)
        if key.value in values:
            raise DraftError(f"'{key.value}' stands twice", "delete one of the lines", line=line)
        values[key.value] = (value.value, line)
    return values


def _parse_date(text: str, line: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace(" +", "+").replace(" -", "-"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DraftError(f"date: {text!r} is not a date", "write it as 2026-10-31", line=line) from None


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
