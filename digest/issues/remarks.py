"""What the editor's prose on a sheet holds that would not look the same everywhere, with the sheet's own lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from digest.issues.read import placed
from digest.issues.values import AddedUrl, Sheet, SheetPick, SheetSection
from digest.issues.write import CLOSING
from digest.markdown import Remark, lint
from digest.text import strip_hidden


def remarks(text: str) -> list[Remark]:
    """Remarks on all that readers will see of the editor's words; raises SheetError as `parse` does."""
    sheet, places = placed(text)
    lines = [strip_hidden(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    found = {
        Remark(here[remark.line - 1], remark.message)
        for begin, words in _prose(sheet, places)
        for here in [_lines_of(words, lines, begin)]
        for remark in lint(words)
    }
    return sorted(found, key=lambda remark: (remark.line, remark.message))


def _prose(sheet: Sheet, places: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """Every text of the editor's, and the line behind which it stands."""
    yield 1, sheet.intro
    for section in sheet.sections:
        begin = places[f"section {section.slug}"]
        yield begin, section.closing
        if not section.engine:
            yield begin, section.note
        yield from _entries(section, places, begin)
    yield from ((places[f"note {note.id}"], note.words) for note in sheet.notes)
    yield from ((places[f"missed {line.key}"], line.words) for line in sheet.missed)
    yield from ((places[f"candidate {line.key}"], line.words) for line in sheet.shortlist if line.mark == "x")
    yield places.get(CLOSING, 1), sheet.outro


def _entries(section: SheetSection, places: Mapping[str, int], begin: int) -> Iterator[tuple[int, str]]:
    for entry in section.entries:
        if isinstance(entry, AddedUrl):
            yield begin, entry.words
        else:
            yield from _pick(entry, places[f"pick {entry.key}"])


def _pick(pick: SheetPick, begin: int) -> Iterator[tuple[int, str]]:
    yield begin, pick.highlight or ""
    if pick.origin == "editor":
        yield begin, pick.blurb


def _lines_of(words: str, lines: Sequence[str], begin: int) -> list[int]:
    """The sheet's line of each line of a text that stands in it from `begin` on, comments of the program between."""
    out, here = [], begin
    for line in words.split("\n"):
        found = next((n for n in range(here, len(lines) + 1) if line.strip() and line.strip() in lines[n - 1]), here)
        out.append(found)
        here = found
    return out
