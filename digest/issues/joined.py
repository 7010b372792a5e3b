"""Works that became one after a sheet named them as two: one place stays, and no word of a hand is lost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeVar

from digest.issues.values import AddedUrl, Conflict, Draft, DraftCandidate, DraftPick, DraftSection
from digest.issues.words import normalise_paragraphs

KeyedEntry = TypeVar("KeyedEntry", DraftPick, DraftCandidate)
MergedKeys = Mapping[str, tuple[str, str]]


def apply_merges_to_draft(draft: Draft, merged_keys: MergedKeys) -> Draft:
    """The sheet with each key of `names` replaced by the key and the address of the work it is part of now.

    Of two picks the first stays, of a pick and a line the pick, of two lines the first. The editor's words of the
    place that goes move to the one that stays, or, where the editor wrote there too, stand beside them as a conflict.
    """
    if not any(entry.key in merged_keys for entry in _list_keyed_entries(draft)):
        return draft
    picks: dict[str, DraftPick] = {}
    for _, pick in draft.iter_picks():
        own = _replace_merged_key(pick, merged_keys)
        picks[own.key] = merge_blurb_text(picks[own.key], pick.blurb, pick.origin) if own.key in picks else own
    lines: dict[str, DraftCandidate] = {}
    for line in draft.shortlist:
        line = _replace_merged_key(line, merged_keys)
        key = line.key
        if key in picks:
            picks[key] = merge_blurb_text(picks[key], line.editor_text, "editor")
        elif key in lines:
            words = "\n\n".join(filter(None, (lines[key].editor_text, line.editor_text)))
            lines[key] = replace(
                lines[key], editor_text=words, mark=lines[key].mark if lines[key].mark != " " else line.mark
            )
        else:
            lines[key] = line
    placed = set[str]()
    sections = tuple(_merge_section_entries(section, merged_keys, picks, placed) for section in draft.sections)
    return replace(draft, sections=sections, shortlist=tuple(lines.values()))


def clear_possible_duplicates(draft: Draft, keys: Collection[str]) -> Draft:
    """The sheet with the doubt taken off the works of `keys`, whether another one is the same."""
    if not keys:
        return draft
    sections = tuple(
        replace(
            section,
            entries=tuple(
                replace(entry, possible_duplicate="") if isinstance(entry, DraftPick) and entry.key in keys else entry
                for entry in section.entries
            ),
        )
        for section in draft.sections
    )
    lines = tuple(replace(line, possible_duplicate="") if line.key in keys else line for line in draft.shortlist)
    return replace(draft, sections=sections, shortlist=lines)


def _list_keyed_entries(draft: Draft) -> list[DraftPick | DraftCandidate]:
    return [*(pick for _, pick in draft.iter_picks()), *draft.shortlist]


def _replace_merged_key(entry: KeyedEntry, merged_keys: MergedKeys) -> KeyedEntry:
    if entry.key not in merged_keys:
        return entry
    key, url = merged_keys[entry.key]
    return replace(entry, key=key, url=url, possible_duplicate="")


def merge_blurb_text(pick: DraftPick, text: str, origin: str) -> DraftPick:
    """The pick with words from another place: a hand's take the machine's place, and stand beside a hand's."""
    if origin != "editor" or not text or text == pick.blurb:
        return pick
    if pick.origin == "editor" and pick.blurb:
        return replace(pick, conflicts=(*pick.conflicts, Conflict("blurb", normalise_paragraphs(text))))
    return replace(pick, blurb=text, origin="editor", engine="", flags=())


def _merge_section_entries(
    section: DraftSection, merged_keys: MergedKeys, picks: Mapping[str, DraftPick], placed_keys: set[str]
) -> DraftSection:
    entries: list[DraftPick | AddedUrl] = []
    for entry in section.entries:
        if isinstance(entry, AddedUrl):
            entries.append(entry)
            continue
        key = _replace_merged_key(entry, merged_keys).key
        if key not in placed_keys:
            placed_keys.add(key)
            entries.append(picks[key])
    return replace(section, entries=tuple(entries))
