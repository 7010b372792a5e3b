"""Addresses that an editor typed become the works they lead to; one that stood elsewhere moves there with its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from digest.issues.joined import with_words
from digest.issues.lines import as_pick
from digest.issues.settle import filled
from digest.issues.values import AddedUrl, Sheet, SheetPick, SheetSection
from digest.issues.words import label, plain, seal


def with_works(sheet: Sheet, found: Mapping[str, SheetPick]) -> Sheet:
    """The sheet with each address of `found` replaced by its work, once each, at the first place it was typed.

    A work that is a pick or a line of the shortlist already keeps what stands on it; typed words that differ from
    the editor's own are kept beside them as a conflict.
    """
    typed = [entry for _, entry in sheet.added() if entry.url in found]
    if not typed:
        return sheet
    works = {found[entry.url].key: found[entry.url] for entry in typed}
    lines = [as_pick(line) for line in sheet.shortlist]
    for pick in [*lines, *(pick for _, pick in sheet.picks())]:
        if pick.key in works:
            works[pick.key] = filled(pick, works[pick.key])
    for entry in typed:
        key = found[entry.url].key
        works[key] = _said(works[key], entry)
    shortlist = tuple(line for line in sheet.shortlist if line.key not in works)
    left = dict(works)
    sections = tuple(_section(section, found, works, left) for section in sheet.sections)
    return replace(sheet, sections=sections, shortlist=shortlist)


def _section(
    section: SheetSection, found: Mapping[str, SheetPick], works: Mapping[str, SheetPick], left: dict[str, SheetPick]
) -> SheetSection:
    """A section with its works in place of their addresses; `left` are those that stand nowhere yet."""
    entries: list[SheetPick | AddedUrl] = []
    for here in section.entries:
        if isinstance(here, AddedUrl) and here.url in found:
            work = left.pop(found[here.url].key, None)
            entries += [work] if work else []
        elif isinstance(here, AddedUrl) or here.key not in works:
            entries.append(here)
    return replace(section, entries=tuple(entries))


def _said(pick: SheetPick, typed: AddedUrl) -> SheetPick:
    """The work with the title and the words that were typed; a machine's words under a lost key are still its own."""
    pick = replace(pick, title=typed.title or pick.title)
    words = typed.words.removeprefix(label(pick.origin, pick.engine))
    if not words or seal(plain(words)) == seal(pick.blurb):
        return pick
    return with_words(replace(pick, note=pick.note and bool(pick.blurb)), words, "editor")
