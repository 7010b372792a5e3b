"""Single edits of a sheet, as a desk or a command makes them: values in, a new sheet out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from digest.errors import ConfigError, NotFoundError
from digest.issues.lines import as_pick
from digest.issues.settle import put
from digest.issues.values import AddedUrl, Sheet, SheetCandidate, SheetPick, SheetSection
from digest.text import slug as slug_of


def place(
    sheet: Sheet, key: str, slug: str, titles: Mapping[str, str], before: str = "", new: SheetPick | None = None
) -> Sheet:
    """Put a work into a section, at its end or before the pick `before`; `new` is the pick where none stands yet.

    A line of the shortlist brings the editor's words. A section that is missing is made, in the order of `titles`.
    """
    pick = _pick_of(sheet, key) or new
    if pick is None:
        raise NotFoundError(f"{key} is not in the sheet of {sheet.period}", "load the page again")
    sections = list(_without(sheet, key).sections)
    put(sections, slug, titles, pick)
    if before and before != key:
        sections = [_before(section, key, before) for section in sections]
    rest = tuple(line for line in sheet.shortlist if line.key != key)
    return replace(sheet, sections=tuple(sections), shortlist=rest)


def set_aside(sheet: Sheet, line: SheetCandidate, mark: Literal[" ", "-"]) -> Sheet:
    """Put a work on the shortlist, open or turned down; `line` is used where it has no line yet. The words stay."""
    known = next((one for one in sheet.shortlist if one.key == line.key), None)
    if known is not None:
        lines = tuple(replace(one, mark=mark) if one is known else one for one in sheet.shortlist)
        return replace(sheet, shortlist=lines)
    pick = _pick_of(sheet, line.key)
    words = pick.blurb if pick and pick.origin == "editor" else ""
    return replace(_without(sheet, line.key), shortlist=(replace(line, mark=mark, words=words), *sheet.shortlist))


def with_pick(sheet: Sheet, key: str, **fields: Any) -> Sheet:
    """The sheet with some fields of one pick set; raises NotFoundError."""
    if _pick_of(sheet, key) is None:
        raise NotFoundError(f"{key} is not a pick of {sheet.period}", "it was taken out; load the page again")
    return replace(sheet, sections=tuple(_with(section, key, fields) for section in sheet.sections))


def with_section(sheet: Sheet, slug: str, **fields: Any) -> Sheet:
    """The sheet with some fields of one section set; raises NotFoundError."""
    if all(section.slug != slug for section in sheet.sections):
        raise NotFoundError(f"{sheet.period} has no section {slug!r}", "load the page again")
    return replace(sheet, sections=tuple(replace(s, **fields) if s.slug == slug else s for s in sheet.sections))


def add_address(sheet: Sheet, slug: str, url: str, words: str = "") -> Sheet:
    """A work of the editor's own, still to be fetched."""
    here = next((section for section in sheet.sections if section.slug == slug), None)
    return with_section(sheet, slug, entries=(*(here.entries if here else ()), AddedUrl(url, words)))


def without_address(sheet: Sheet, slug: str, url: str) -> Sheet:
    """The sheet without an address that waits in a section; raises NotFoundError."""
    here = next((s for s in sheet.sections if s.slug == slug), SheetSection(slug, slug))
    gone = next((e for e in here.entries if isinstance(e, AddedUrl) and e.url == url), None)
    if gone is None:
        raise NotFoundError(f"{url} does not wait in {slug!r}", "load the page again")
    return with_section(sheet, slug, entries=tuple(entry for entry in here.entries if entry is not gone))


def add_section(sheet: Sheet, title: str) -> Sheet:
    """A section of the editor's own, behind the others; raises ConfigError where there is one of that name."""
    name = slug_of(title)
    if any(section.slug == name for section in sheet.sections):
        raise ConfigError(f"there is a section {name!r} already", "give it another title")
    return replace(sheet, sections=(*sheet.sections, SheetSection(name, title)))


def without_section(sheet: Sheet, slug: str) -> Sheet:
    """The sheet without an empty section, its prose included; raises ConfigError where works stand in it."""
    here = next((section for section in sheet.sections if section.slug == slug), None)
    if here is not None and here.entries:
        raise ConfigError(f"works stand in the section {here.title!r}", "take them out or move them first")
    return replace(sheet, sections=tuple(section for section in sheet.sections if section is not here))


def _pick_of(sheet: Sheet, key: str) -> SheetPick | None:
    picks = (pick for _, pick in sheet.picks() if pick.key == key)
    lines = (as_pick(line) for line in sheet.shortlist if line.key == key)
    return next(picks, None) or next(lines, None)


def _without(sheet: Sheet, key: str) -> Sheet:
    sections = (
        replace(section, entries=tuple(e for e in section.entries if getattr(e, "key", None) != key))
        for section in sheet.sections
    )
    return replace(sheet, sections=tuple(sections))


def _before(section: SheetSection, key: str, before: str) -> SheetSection:
    keys = [getattr(entry, "key", "") for entry in section.entries]
    if key not in keys or before not in keys:
        return section
    moved = section.entries[keys.index(key)]
    rest = [entry for entry in section.entries if entry is not moved]
    rest.insert([getattr(entry, "key", "") for entry in rest].index(before), moved)
    return replace(section, entries=tuple(rest))


def _with(section: SheetSection, key: str, fields: dict[str, Any]) -> SheetSection:
    entries = (
        replace(entry, **fields) if isinstance(entry, SheetPick) and entry.key == key else entry
        for entry in section.entries
    )
    return replace(section, entries=tuple(entries))
