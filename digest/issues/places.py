"""Where each work stands in a sheet, and where it stands after a merge: in a section, on the shortlist, nowhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from digest.issues.lines import candidate_to_pick
from digest.issues.values import AddedUrl, Draft, DraftCandidate, DraftPick

SHORTLIST_LOCATION = ""  # the place below the line; a section's slug is never empty
DraftEntry = DraftPick | AddedUrl | DraftCandidate


@dataclass(frozen=True, slots=True)
class DraftIndex:
    """One sheet's entries by identity: what and where each is, and the order within each place."""

    entries: dict[str, DraftEntry]
    locations: dict[str, str]
    keys_by_location: dict[str, list[str]]

    def get_keys(self, location: str) -> list[str]:
        return self.keys_by_location.get(location, [])

    def get_pick(self, name: str) -> DraftPick | None:
        """The entry as a pick, also when it is still a line of the shortlist."""
        entry = self.entries.get(name)
        return (
            candidate_to_pick(entry)
            if isinstance(entry, DraftCandidate)
            else entry
            if isinstance(entry, DraftPick)
            else None
        )


def index_draft(draft: Draft) -> DraftIndex:
    """Index a sheet. An added address is its own identity, words and all; of a key's two places the section counts."""
    out = DraftIndex({}, {}, {})
    twins: Counter[AddedUrl] = Counter()
    for section in draft.sections:
        for entry in section.entries:
            name = f"{entry!r} {twins[entry]}" if isinstance(entry, AddedUrl) else entry.key
            if isinstance(entry, AddedUrl):
                twins[entry] += 1
            _add_to_index(out, name, entry, section.slug)
    for line in draft.shortlist:
        if line.key not in out.entries:
            _add_to_index(out, line.key, line, SHORTLIST_LOCATION)
    return out


def _add_to_index(index: DraftIndex, name: str, entry: DraftEntry, location: str) -> None:
    index.entries[name], index.locations[name] = entry, location
    index.keys_by_location.setdefault(location, []).append(name)


def merge_locations(
    base: DraftIndex, edited: DraftIndex, generated: DraftIndex, removed_sections: set[str]
) -> dict[str, str]:
    """The place of each entry that remains. `closed` are the sections that the editor took out."""
    dragged = {
        place
        for place in edited.keys_by_location
        if place != SHORTLIST_LOCATION and _is_reordered(base.get_keys(place), edited.get_keys(place))
    }
    out = {}
    for name in dict.fromkeys((*edited.locations, *generated.locations, *base.locations)):
        b, m, n = base.locations.get(name), edited.locations.get(name), generated.locations.get(name)
        held = m is not None and (m in dragged or is_edited(base.entries.get(name), edited.entries[name]))
        place = n if m == b and not held else m
        if place in removed_sections:
            place = SHORTLIST_LOCATION if m is None else m
        if place is not None:
            out[name] = place
    return out


def _is_reordered(base: list[str], edited: list[str]) -> bool:
    return [x for x in edited if x in set(base)] != [x for x in base if x in set(edited)]


def is_edited(base: DraftEntry | None, edited: DraftEntry) -> bool:
    """A hand changed the words or the marks of an entry."""
    if isinstance(edited, DraftCandidate):
        before = (base.mark, base.editor_text) if isinstance(base, DraftCandidate) else (" ", "")
        return (edited.mark, edited.editor_text) != before
    if isinstance(edited, AddedUrl) or not isinstance(base, DraftPick):
        return True
    return _editor_values(base) != _editor_values(edited)


def _editor_values(pick: DraftPick) -> tuple[object, ...]:
    return pick.title, pick.url, pick.blurb, pick.origin, pick.highlight, pick.note, pick.update_of, pick.conflicts
