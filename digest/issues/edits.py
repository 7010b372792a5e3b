"""Single edits of a sheet, as a desk or a command makes them: values in, a new sheet out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from digest.errors import ConfigError, NotFoundError
from digest.issues.lines import candidate_to_pick
from digest.issues.settle import append_pick
from digest.issues.values import AddedUrl, Draft, DraftCandidate, DraftPick, DraftSection
from digest.text import slugify as slug_of


def place_pick(
    draft: Draft, key: str, slug: str, titles: Mapping[str, str], before_key: str = "", default: DraftPick | None = None
) -> Draft:
    """Put a work into a section, at its end or before the pick `before`; `new` is the pick where none stands yet.

    A line of the shortlist brings the editor's words. A section that is missing is made, in the order of `titles`.
    """
    pick = _find_pick(draft, key) or default
    if pick is None:
        raise NotFoundError(f"{key} is not in the sheet of {draft.period}", "load the page again")
    sections = list(_remove_pick(draft, key).sections)
    append_pick(sections, slug, titles, pick)
    if before_key and before_key != key:
        sections = [_move_pick_before(section, key, before_key) for section in sections]
    rest = tuple(line for line in draft.shortlist if line.key != key)
    return replace(draft, sections=tuple(sections), shortlist=rest)


def move_to_shortlist(draft: Draft, candidate: DraftCandidate, mark: Literal[" ", "-"]) -> Draft:
    """Put a work on the shortlist, open or turned down; `line` is used where it has no line yet. The words stay."""
    known = next((one for one in draft.shortlist if one.key == candidate.key), None)
    if known is not None:
        lines = tuple(replace(one, mark=mark) if one is known else one for one in draft.shortlist)
        return replace(draft, shortlist=lines)
    pick = _find_pick(draft, candidate.key)
    words = pick.blurb if pick and pick.origin == "editor" else ""
    return replace(
        _remove_pick(draft, candidate.key),
        shortlist=(replace(candidate, mark=mark, editor_text=words), *draft.shortlist),
    )


def update_pick(draft: Draft, key: str, **fields: Any) -> Draft:
    """The sheet with some fields of one pick set; raises NotFoundError."""
    if _find_pick(draft, key) is None:
        raise NotFoundError(f"{key} is not a pick of {draft.period}", "it was taken out; load the page again")
    return replace(draft, sections=tuple(_update_section_pick(section, key, fields) for section in draft.sections))


def update_section(draft: Draft, slug: str, **fields: Any) -> Draft:
    """The sheet with some fields of one section set; raises NotFoundError."""
    if all(section.slug != slug for section in draft.sections):
        raise NotFoundError(f"{draft.period} has no section {slug!r}", "load the page again")
    return replace(draft, sections=tuple(replace(s, **fields) if s.slug == slug else s for s in draft.sections))


def add_typed_url(draft: Draft, slug: str, url: str, text: str = "") -> Draft:
    """A work of the editor's own, still to be fetched."""
    here = next((section for section in draft.sections if section.slug == slug), None)
    return update_section(draft, slug, entries=(*(here.entries if here else ()), AddedUrl(url, text)))


def remove_typed_url(draft: Draft, slug: str, url: str) -> Draft:
    """The sheet without an address that waits in a section; raises NotFoundError."""
    here = next((s for s in draft.sections if s.slug == slug), DraftSection(slug, slug))
    gone = next((e for e in here.entries if isinstance(e, AddedUrl) and e.url == url), None)
    if gone is None:
        raise NotFoundError(f"{url} does not wait in {slug!r}", "load the page again")
    return update_section(draft, slug, entries=tuple(entry for entry in here.entries if entry is not gone))


def add_section(draft: Draft, title: str) -> Draft:
    """A section of the editor's own, behind the others; raises ConfigError where there is one of that name."""
    name = slug_of(title)
    if any(section.slug == name for section in draft.sections):
        raise ConfigError(f"there is a section {name!r} already", "give it another title")
    return replace(draft, sections=(*draft.sections, DraftSection(name, title)))


def remove_section(draft: Draft, slug: str) -> Draft:
    """The sheet without an empty section, its prose included; raises ConfigError where works stand in it."""
    here = next((section for section in draft.sections if section.slug == slug), None)
    if here is not None and here.entries:
        raise ConfigError(f"works stand in the section {here.title!r}", "take them out or move them first")
    return replace(draft, sections=tuple(section for section in draft.sections if section is not here))


def _find_pick(draft: Draft, key: str) -> DraftPick | None:
    picks = (pick for _, pick in draft.iter_picks() if pick.key == key)
    lines = (candidate_to_pick(line) for line in draft.shortlist if line.key == key)
    return next(picks, None) or next(lines, None)


def _remove_pick(draft: Draft, key: str) -> Draft:
    sections = (
        replace(section, entries=tuple(e for e in section.entries if getattr(e, "key", None) != key))
        for section in draft.sections
    )
    return replace(draft, sections=tuple(sections))


def _move_pick_before(section: DraftSection, key: str, before_key: str) -> DraftSection:
    keys = [getattr(entry, "key", "") for entry in section.entries]
    if key not in keys or before_key not in keys:
        return section
    moved = section.entries[keys.index(key)]
    rest = [entry for entry in section.entries if entry is not moved]
    rest.insert([getattr(entry, "key", "") for entry in rest].index(before_key), moved)
    return replace(section, entries=tuple(rest))


def _update_section_pick(section: DraftSection, key: str, fields: dict[str, Any]) -> DraftSection:
    entries = (
        replace(entry, **fields) if isinstance(entry, DraftPick) and entry.key == key else entry
        for entry in section.entries
    )
    return replace(section, entries=tuple(entries))
