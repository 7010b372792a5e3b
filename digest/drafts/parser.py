"""Parse a draft's Markdown, as any editor may have left it; an error names the line that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import pairwise

import yaml

from digest.drafts.blocks import DraftBlock, split_blocks
from digest.drafts.entries import parse_candidate, parse_pick
from digest.drafts.model import AddedUrl, Draft, DraftCandidate, DraftPrediction, DraftSection, SectionEntry
from digest.drafts.syntax import (
    MODEL_INTRO,
    RULE_LINE,
    compute_checksum,
    dedent_continuation,
    split_head_fields,
    unescape_line,
    unescape_prose_lines,
)
from digest.drafts.workflow import STATES
from digest.drafts.writer import CLOSING_ANCHOR, MISSED_ANCHOR, PERIOD_NAME, PREDICTIONS_ANCHOR, SHORTLIST_ANCHOR
from digest.errors import DraftError
from digest.markdown.escape import decode_mark_value
from digest.periods import parse_period
from digest.text import normalise_line, slugify

_FRONT_MATTER_KEYS = ("layout", "title", "date", "period", "form", "state", "subject", "preheader")
_FRONT_MATTER_CHOICES = {"form": ("category", "month", "both"), "state": STATES}
_RESERVED_ANCHORS = (SHORTLIST_ANCHOR, PREDICTIONS_ANCHOR, MISSED_ANCHOR, CLOSING_ANCHOR)
_OLD_MONTH_ANCHOR = re.compile(r"m\d{4}-\d{2}")
_ADDED_URL = re.compile(r"^<?(?P<url>https?://[^\s<>]+)>?[ \t]*(?P<words>.*)$", re.IGNORECASE)


def parse_draft(text: str) -> Draft:
    """Parse a draft; raises DraftError with the line of the first mistake."""
    return parse_draft_with_lines(text)[0]


def parse_draft_with_lines(text: str) -> tuple[Draft, dict[str, int]]:
    """Parse a draft, and return the line of each named part: `section SLUG`, `pick KEY`, `note ID`, `missed KEY`."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    head, start = _parse_front_matter(lines)
    blocks = split_blocks(lines, start)
    _drop_shortlist_rule(blocks)
    parser = _Parser(head)
    for block in blocks:
        _BLOCK_READERS[block.kind](parser, block)
    draft = replace(
        head,
        intro=parser.intro,
        outro=parser.outro,
        sections=tuple(parser.sections),
        predictions=tuple(parser.predictions),
        missed=tuple(parser.missed),
        shortlist=tuple(parser.shortlist),
        scratch=unescape_prose_lines(parser.scratch),
        moved_candidates=tuple(parser.moved_candidates),
        conflicts=tuple(conflict for block in blocks if block.kind != "pick" for conflict in block.conflicts),
    )
    return draft, parser.line_numbers


def _parse_front_matter(lines: Sequence[str]) -> tuple[Draft, int]:
    """Return the draft with its head filled in, and the index of the first line after the front matter."""
    if not lines or lines[0].rstrip() != "---":
        raise DraftError("the draft does not begin with front matter", "let the first line be ---", line=1)
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        raise DraftError("the front matter is not closed", "close it with a line ---", line=1)
    comment = next((n for n, line in enumerate(lines[:end], 1) if line.lstrip().startswith("#")), None)
    if comment is not None:
        hint = "move it below the front matter, or delete it"
        raise DraftError("the front matter cannot hold a comment", hint, line=comment)
    values = _parse_front_matter_values("\n".join(line.rstrip() for line in lines[1:end]))
    for name in ("title", "date", "period"):
        if name not in values:
            raise DraftError(f"the front matter has no '{name}'", f"add a line '{name}: …'", line=end + 1)
    for name, allowed in _FRONT_MATTER_CHOICES.items():
        value, line = values.get(name, (allowed[0], 0))
        if value not in allowed:
            raise DraftError(f"{name}: {value!r} is unknown", f"write one of {', '.join(allowed)}", line=line)
    period, line = values["period"]
    if not PERIOD_NAME.fullmatch(period):  # the help comment names the period, and is recognised by its words
        raise DraftError(f"period: {period!r} is not a period", 'write it as period: "2026-10"', line=line)
    fields: dict[str, object] = {name: value for name, (value, _) in values.items()}
    lines_of_text = ("title", "subject", "preheader")
    fields |= {name: normalise_line(values[name][0]) for name in lines_of_text if name in values}
    fields["date"] = _parse_date(*values["date"])
    return Draft(**fields), end + 1  # type: ignore[arg-type]


def _parse_front_matter_values(text: str) -> dict[str, tuple[str, int]]:
    """Return each key's scalar as written, with its line in the draft."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        hint = 'put the title in double quotes: title: "…"'
        raise DraftError("the front matter is not YAML", hint, line=mark.line + 2 if mark else 2) from error
    if not isinstance(root, yaml.MappingNode):
        raise DraftError("the front matter has no keys", "write 'title: …', 'date: …', 'period: …'", line=2)
    values: dict[str, tuple[str, int]] = {}
    for key, value in root.value:
        line = key.start_mark.line + 2
        if key.value not in _FRONT_MATTER_KEYS:
            nearest = get_close_matches(str(key.value), _FRONT_MATTER_KEYS, 1)
            hint = f"did you mean '{nearest[0]}'?" if nearest else f"known keys: {', '.join(_FRONT_MATTER_KEYS)}"
            raise DraftError(f"{key.value!r} is not a key of a draft", hint, line=line)
        if not isinstance(value, yaml.ScalarNode):
            raise DraftError(f"'{key.value}' must be a plain value", "put it in double quotes", line=line)
        if key.value in values:
            raise DraftError(f"duplicate key '{key.value}'", "delete one of the lines", line=line)
        values[key.value] = (value.value, line)
    return values


def _parse_date(text: str, line: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace(" +", "+").replace(" -", "-"))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise DraftError(f"date: {text!r} is not a date", "write it as 2026-10-31", line=line) from None


def _drop_shortlist_rule(blocks: Sequence[DraftBlock]) -> None:
    """Remove the rule above the shortlist."""
    for before, block in pairwise(blocks):
        if block.kind == "section" and block.get_group("anchor") == SHORTLIST_ANCHOR:
            while before.body and not before.body[-1].strip():
                before.body.pop()
            if before.body and RULE_LINE.match(before.body[-1]):
                before.body.pop()


@dataclass(slots=True)
class _Parser:
    """What was read so far, and under which heading the next block is."""

    head: Draft
    intro: str = ""
    outro: str = ""
    scratch: list[str] = field(default_factory=list)
    sections: list[DraftSection] = field(default_factory=list)
    predictions: list[DraftPrediction] = field(default_factory=list)
    missed: list[DraftCandidate] = field(default_factory=list)
    shortlist: list[DraftCandidate] = field(default_factory=list)
    moved_candidates: list[DraftCandidate] = field(default_factory=list)
    heading: str = ""  # a reserved anchor, "sections", or empty above the first heading
    line_numbers: dict[str, int] = field(default_factory=dict)

    def read_intro(self, block: DraftBlock) -> None:
        self.intro = unescape_prose_lines(block.body)

    def read_section(self, block: DraftBlock) -> None:
        anchor = block.get_group("anchor")
        if anchor in _RESERVED_ANCHORS:
            self._read_reserved_section(block, anchor)
            return
        self.heading = "sections"
        title = unescape_line(block.get_group("title"))
        if not title:
            raise DraftError("this section has no title", "write '## Title', or delete the line", line=block.line)
        fields, body = split_head_fields(block.body, ("closing",))
        slug = self._resolve_old_anchor(anchor.removeprefix("n:")) or slugify(title)
        self._register(block, f"section {slug!r}", f"section {slug}")
        intro, engine = _parse_section_intro(body)
        self.sections.append(DraftSection(slug, title, intro, fields.get("closing", ""), engine=engine))

    def _resolve_old_anchor(self, anchor: str) -> str:
        """Return `jan` for `m2025-01`, as the month's heading was written before; any other anchor as it is."""
        if not _OLD_MONTH_ANCHOR.fullmatch(anchor):
            return anchor
        return parse_period(self.head.period, self.head.date).get_month_anchors().get(anchor[1:], anchor)

    def _read_reserved_section(self, block: DraftBlock, anchor: str) -> None:
        self._register(block, f"the heading {{#{anchor}}}", anchor)
        self.heading = anchor
        text = unescape_prose_lines(block.body)
        if anchor == CLOSING_ANCHOR:
            self.outro = text
        elif anchor == SHORTLIST_ANCHOR:
            self.scratch += block.body
        elif text:
            hint = "write it behind one of the lines, or into the introduction"
            raise DraftError("there is text above the first line", hint, line=block.line + 1)

    def read_pick(self, block: DraftBlock) -> None:
        entry = parse_pick(block)
        if not isinstance(entry, AddedUrl) and self.heading == SHORTLIST_ANCHOR:
            self._register(block, f"{entry.key} in the shortlist", f"candidate {entry.key}")
            self.shortlist.append(entry.to_candidate())
            return
        if not isinstance(entry, AddedUrl):
            self._register(block, entry.key, f"pick {entry.key}")
        self._append_entry(block, entry)

    def read_candidate(self, block: DraftBlock) -> None:
        line = parse_candidate(block)
        if isinstance(line, DraftPrediction):
            self._register(block, f"the prediction {line.id}", f"note {line.id}")
            self.predictions.append(line)
        elif self.heading in (SHORTLIST_ANCHOR, MISSED_ANCHOR):
            is_missed = self.heading == MISSED_ANCHOR
            name = "missed" if is_missed else "candidate"
            self._register(block, f"{line.key} in this list", f"{name} {line.key}")
            (self.missed if is_missed else self.shortlist).append(line)
        else:
            self._register(block, line.key, f"pick {line.key}")
            self._append_entry(block, line.to_pick())
            self.moved_candidates.append(line)

    def read_added_url(self, block: DraftBlock) -> None:
        line = block.get_group("rest")
        match = _ADDED_URL.match(line)
        if match is None:
            raise DraftError(f"{line!r} holds no address", "write - <https://…> and your text", line=block.line)
        text = unescape_prose_lines([match["words"], *dedent_continuation(block.body)])
        self._append_entry(block, AddedUrl(match["url"], text))

    def _append_entry(self, block: DraftBlock, entry: SectionEntry) -> None:
        if self.heading != "sections":
            raise DraftError("this pick is in no section", "move it under a '## ' heading", line=block.line)
        self.sections[-1] = replace(self.sections[-1], entries=(*self.sections[-1].entries, entry))

    def _register(self, block: DraftBlock, description: str, name: str) -> None:
        """Record the line of a named part; raises DraftError if there is one already."""
        if first := self.line_numbers.get(name):
            raise DraftError(f"{description} appears twice (first on line {first})", "delete one", line=block.line)
        self.line_numbers[name] = block.line


def _parse_section_intro(lines: list[str]) -> tuple[str, str]:
    """Return the intro and its engine: a model while the checksum matches, else none (the editor wrote it)."""
    match = MODEL_INTRO.match("\n".join(lines))
    if match is None:
        return unescape_prose_lines(lines), ""
    intro = unescape_prose_lines(match["words"].split("\n"))
    is_unchanged = compute_checksum(intro) == match["sum"]
    return (normalise_line(intro), decode_mark_value(match["by"])) if is_unchanged else (intro, "")


_BLOCK_READERS = {
    "intro": _Parser.read_intro,
    "section": _Parser.read_section,
    "pick": _Parser.read_pick,
    "line": _Parser.read_candidate,
    "added": _Parser.read_added_url,
}
