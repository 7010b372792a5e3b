"""What the editor's prose on a sheet holds that would not look the same everywhere, with the sheet's own lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from digest.drafts.model import AddedUrl, Draft, DraftPick, DraftSection
from digest.drafts.parser import parse_draft_with_lines
from digest.drafts.writer import CLOSING_ANCHOR
from digest.markdown.lint import LintWarning, lint_markdown
from digest.text import strip_hidden


def lint_draft(text: str) -> list[LintWarning]:
    """Remarks on all that readers will see of the editor's words; raises SheetError as `parse` does."""
    sheet, places = parse_draft_with_lines(text)
    lines = [strip_hidden(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    found = {
        LintWarning(here[remark.line - 1], remark.message)
        for begin, words in _iter_editor_texts(sheet, places)
        for here in [_find_line_numbers(words, lines, begin)]
        for remark in lint_markdown(words)
    }
    return sorted(found, key=lambda remark: (remark.line, remark.message))


def _iter_editor_texts(draft: Draft, line_numbers: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """Every text of the editor's, and the line behind which it stands."""
    yield 1, draft.intro
    for section in draft.sections:
        begin = line_numbers[f"section {section.slug}"]
        yield begin, section.closing
        if not section.engine:
            yield begin, section.intro
        yield from _iter_entry_texts(section, line_numbers, begin)
    yield from ((line_numbers[f"note {note.id}"], note.comment) for note in draft.predictions)
    yield from ((line_numbers[f"missed {line.key}"], line.editor_text) for line in draft.missed)
    yield from (
        (line_numbers[f"candidate {line.key}"], line.editor_text) for line in draft.shortlist if line.mark == "x"
    )
    yield line_numbers.get(CLOSING_ANCHOR, 1), draft.outro


def _iter_entry_texts(section: DraftSection, line_numbers: Mapping[str, int], begin: int) -> Iterator[tuple[int, str]]:
    for entry in section.entries:
        if isinstance(entry, AddedUrl):
            yield begin, entry.words
        else:
            yield from _iter_pick_texts(entry, line_numbers[f"pick {entry.key}"])


def _iter_pick_texts(pick: DraftPick, begin: int) -> Iterator[tuple[int, str]]:
    yield begin, pick.highlight or ""
    if pick.origin == "editor":
        yield begin, pick.blurb


def _find_line_numbers(text: str, lines: Sequence[str], begin: int) -> list[int]:
    """The sheet's line of each line of a text that stands in it from `begin` on, comments of the program between."""
    out, here = [], begin
    for line in text.split("\n"):
        found = next((n for n in range(here, len(lines) + 1) if line.strip() and line.strip() in lines[n - 1]), here)
        out.append(found)
        here = found
    return out
