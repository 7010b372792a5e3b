"""Works that became one after a sheet named them as two: one place stays, and no word of a hand is lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeVar

from digest.issues.values import AddedUrl, Conflict, Sheet, SheetCandidate, SheetPick, SheetSection
from digest.issues.words import paragraphs

Entry = TypeVar("Entry", SheetPick, SheetCandidate)
Names = Mapping[str, tuple[str, str]]


def joined(sheet: Sheet, names: Names) -> Sheet:
    """The sheet with each key of `names` replaced by the key and the address of the work it is part of now.

    Of two picks the first stays, of a pick and a line the pick, of two lines the first. The editor's words of the
    place that goes move to the one that stays, or, where the editor wrote there too, stand beside them as a conflict.
    """
    if not any(entry.key in names for entry in _entries(sheet)):
        return sheet
    picks: dict[str, SheetPick] = {}
    for _, pick in sheet.picks():
        own = _named(pick, names)
        picks[own.key] = with_words(picks[own.key], pick.blurb, pick.origin) if own.key in picks else own
    lines: dict[str, SheetCandidate] = {}
    for line in sheet.shortlist:
        line = _named(line, names)
        key = line.key
        if key in picks:
            picks[key] = with_words(picks[key], line.words, "editor")
        elif key in lines:
            words = "\n\n".join(filter(None, (lines[key].words, line.words)))
            lines[key] = replace(lines[key], words=words, mark=lines[key].mark if lines[key].mark != " " else line.mark)
        else:
            lines[key] = line
    placed = set[str]()
    sections = tuple(_section(section, names, picks, placed) for section in sheet.sections)
    return replace(sheet, sections=sections, shortlist=tuple(lines.values()))


def without_twins(sheet: Sheet, keys: Collection[str]) -> Sheet:
    """The sheet with the doubt taken off the works of `keys`, whether another one is the same."""
    if not keys:
        return sheet
    sections = tuple(
        replace(
            section,
            entries=tuple(
                replace(entry, twin="") if isinstance(entry, SheetPick) and entry.key in keys else entry
                for entry in section.entries
            ),
        )
        for section in sheet.sections
    )
    lines = tuple(replace(line, twin="") if line.key in keys else line for line in sheet.shortlist)
    return replace(sheet, sections=sections, shortlist=lines)


def _entries(sheet: Sheet) -> list[SheetPick | SheetCandidate]:
    return [*(pick for _, pick in sheet.picks()), *sheet.shortlist]


def _named(entry: Entry, names: Names) -> Entry:
    if entry.key not in names:
        return entry
    key, url = names[entry.key]
    return replace(entry, key=key, url=url, twin="")


def with_words(pick: SheetPick, words: str, origin: str) -> SheetPick:
    """The pick with words from another place: a hand's take the machine's place, and stand beside a hand's."""
    if origin != "editor" or not words or words == pick.blurb:
        return pick
    if pick.origin == "editor" and pick.blurb:
        return replace(pick, conflicts=(*pick.conflicts, Conflict("blurb", paragraphs(words))))
    return replace(pick, blurb=words, origin="editor", engine="", flags=())


def _section(section: SheetSection, names: Names, picks: Mapping[str, SheetPick], placed: set[str]) -> SheetSection:
    entries: list[SheetPick | AddedUrl] = []
    for entry in section.entries:
        if isinstance(entry, AddedUrl):
            entries.append(entry)
            continue
        key = _named(entry, names).key
        if key not in placed:
            placed.add(key)
            entries.append(picks[key])
    return replace(section, entries=tuple(entries))
