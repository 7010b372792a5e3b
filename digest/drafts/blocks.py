"""Cut a draft's lines into blocks: headings, picks, candidates and added URLs, each with its body."""

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
    """A line with a meaning and the lines below it. Kinds: intro, section, pick, line (a candidate), added."""

    line: int
    kind: str
    match: re.Match[str] | None = None
    body: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def get_group(self, name: str) -> str:
        """Return a group of the block's first line, stripped; empty where it did not match."""
        return (self.match[name] or "").strip() if self.match else ""


def split_blocks(lines: Sequence[str], start: int) -> list[DraftBlock]:
    """Cut the lines from index `start` on into blocks; the first block is the introduction."""
    blocks = [DraftBlock(start + 1, "intro")]
    code = find_fenced_lines(lines)
    for number, line in _iter_joined_lines(lines, start, code):
        if number - 1 in code:
            blocks[-1].body.append(line)
        elif COMMENT_START.match(line):
            _add_comment(blocks[-1], line)
        else:
            matches = ((kind, pattern.match(line)) for kind, pattern in _BLOCK_PATTERNS)
            kind, match = next((pair for pair in matches if pair[1]), ("", None))
            if match is None or (kind == "added" and not _is_in_pick_section(blocks)):
                blocks[-1].body.append(line)
            else:
                blocks.append(DraftBlock(number, kind, match))
    return blocks


def _add_comment(block: DraftBlock, line: str) -> None:
    """Keep the conflict a comment holds, or what an editor typed into the help, and the text behind it."""
    comment, _, rest = line.partition("-->")
    if conflict := _CONFLICT_COMMENT.match(comment + "-->"):
        block.conflicts.append(Conflict(conflict[1].strip(), unescape_paragraphs(conflict[2])))
    else:
        block.body += extract_typed_lines(comment + "-->")
    block.body += [rest.strip()] if rest.strip() else []


def _is_in_pick_section(blocks: Sequence[DraftBlock]) -> bool:
    """Whether a bare URL adds an item here: not above the first section, nor below a reserved heading."""
    section = next((block for block in reversed(blocks) if block.kind == "section"), None)
    return section is not None and not section.get_group("anchor").startswith("digest:")


def _iter_joined_lines(lines: Sequence[str], start: int, code: frozenset[int]) -> Iterator[tuple[int, str]]:
    """Yield comments whole and wrapped entry lines joined, each with the number of its first line."""
    index = start
    while index < len(lines):
        line, end = strip_hidden(lines[index]), index + 1
        if index in code:
            pass
        elif COMMENT_START.match(line):
            end = _find_comment_end(lines, index)
            line = "\n".join(map(strip_hidden, lines[index:end]))
        elif _WRAPPABLE_LINE.match(line) and not _LINE_CLOSED.search(line):
            end = _find_wrapped_end(lines, index)
            line = " ".join([line.rstrip(), *(strip_hidden(part).strip() for part in lines[index + 1 : end])])
        yield index + 1, line
        index = end


def _find_comment_end(lines: Sequence[str], start: int) -> int:
    for index in range(start, len(lines)):
        if SECTION_LINE.match(lines[index]) or PICK_LINE.match(lines[index]):
            break
        if "-->" in lines[index]:
            return index + 1
    raise DraftError("this comment is not closed", "close it with -->", line=start + 1)


def _find_wrapped_end(lines: Sequence[str], start: int) -> int:
    for index in range(start + 1, len(lines)):
        line = lines[index]
        if not line.strip() or SECTION_LINE.match(line) or _WRAPPABLE_LINE.match(line) or COMMENT_START.match(line):
            break
        if _LINE_CLOSED.search(line):
            return index + 1
    return start + 1
