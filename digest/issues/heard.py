"""Words that an editor typed among the program's own on a line of the shortlist, told apart from them and kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import SequenceMatcher

from digest.issues.values import AddedUrl, Sheet, SheetCandidate, SheetPick

_SAID = ("facts", "reasons", "covered", "twin")


def heard(sheet: Sheet, written: Iterable[Sheet]) -> Sheet:
    """The sheet with such words behind their lines, or on the picks that the lines became.

    `written` are sheets as the program wrote them, newest first; they are read as far as there is something to find.
    """
    lines = {line.key: line for line in (*sheet.shortlist, *sheet.moved)}
    said: dict[str, SheetCandidate] = {}
    for version in written:
        for before in version.shortlist:
            if before.key in lines and _same(before, lines[before.key]):
                del lines[before.key]
            elif before.key in lines:
                said.setdefault(before.key, before)
        if not lines:
            return sheet
    typed = {key: words for key, before in said.items() if key in lines and (words := _typed(before, lines[key]))}
    if not typed:
        return sheet
    shortlist = tuple(
        _told(line, said[line.key], typed[line.key]) if line.key in typed else line for line in sheet.shortlist
    )
    moved = {line.key for line in sheet.moved}
    on_picks = {key: words for key, words in typed.items() if key in moved}
    sections = tuple(
        replace(section, entries=tuple(_worded(entry, on_picks) for entry in section.entries))
        for section in sheet.sections
    )
    return replace(sheet, sections=sections, shortlist=shortlist)


def _same(before: SheetCandidate, line: SheetCandidate) -> bool:
    return all(getattr(before, name) == getattr(line, name) for name in _SAID)


def _typed(before: SheetCandidate, line: SheetCandidate) -> str:
    """The words of the line that the program did not say, in order."""
    out: list[str] = []
    for name in _SAID:
        ours, theirs = _words(getattr(before, name)), _words(getattr(line, name))
        for tag, _, _, start, end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
            if tag in ("insert", "replace"):
                out += theirs[start:end]
    return " ".join(out).strip(" ·—")


def _words(said: str | tuple[str, ...]) -> list[str]:
    return (said if isinstance(said, str) else " · ".join(said)).split()


def _told(line: SheetCandidate, before: SheetCandidate, typed: str) -> SheetCandidate:
    own = {name: getattr(before, name) for name in _SAID}
    return replace(line, **own, words=_joined(typed, line.words))


def _worded(entry: SheetPick | AddedUrl, typed: Mapping[str, str]) -> SheetPick | AddedUrl:
    if isinstance(entry, AddedUrl) or entry.key not in typed:
        return entry
    return replace(entry, blurb=_joined(typed[entry.key], entry.blurb), origin="editor")


def _joined(typed: str, words: str) -> str:
    return "\n\n".join(filter(None, (typed, words)))
