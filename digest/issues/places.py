"""Where each work stands in a sheet, and where it stands after a merge: in a section, on the shortlist, nowhere."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from digest.issues.lines import as_pick
from digest.issues.values import AddedUrl, Sheet, SheetCandidate, SheetPick

LIST = ""  # the place below the line; a section's slug is never empty
Entry = SheetPick | AddedUrl | SheetCandidate


@dataclass(frozen=True, slots=True)
class Places:
    """One sheet's entries by identity: what and where each is, and the order within each place."""

    entries: dict[str, Entry]
    where: dict[str, str]
    orders: dict[str, list[str]]

    def order(self, place: str) -> list[str]:
        return self.orders.get(place, [])

    def pick(self, name: str) -> SheetPick | None:
        """The entry as a pick, also when it is still a line of the shortlist."""
        entry = self.entries.get(name)
        return as_pick(entry) if isinstance(entry, SheetCandidate) else entry if isinstance(entry, SheetPick) else None


def places(sheet: Sheet) -> Places:
    """Index a sheet. An added address is its own identity, words and all; of a key's two places the section counts."""
    out = Places({}, {}, {})
    twins: Counter[AddedUrl] = Counter()
    for section in sheet.sections:
        for entry in section.entries:
            name = f"{entry!r} {twins[entry]}" if isinstance(entry, AddedUrl) else entry.key
            if isinstance(entry, AddedUrl):
                twins[entry] += 1
            _stand(out, name, entry, section.slug)
    for line in sheet.shortlist:
        if line.key not in out.entries:
            _stand(out, line.key, line, LIST)
    return out


def _stand(out: Places, name: str, entry: Entry, place: str) -> None:
    out.entries[name], out.where[name] = entry, place
    out.orders.setdefault(place, []).append(name)


def merged_places(base: Places, mine: Places, new: Places, closed: set[str]) -> dict[str, str]:
    """The place of each entry that remains. `closed` are the sections that the editor took out."""
    dragged = {place for place in mine.orders if place != LIST and _reordered(base.order(place), mine.order(place))}
    out = {}
    for name in dict.fromkeys((*mine.where, *new.where, *base.where)):
        b, m, n = base.where.get(name), mine.where.get(name), new.where.get(name)
        held = m is not None and (m in dragged or touched(base.entries.get(name), mine.entries[name]))
        place = n if m == b and not held else m
        if place in closed:
            place = LIST if m is None else m
        if place is not None:
            out[name] = place
    return out


def _reordered(base: list[str], mine: list[str]) -> bool:
    return [x for x in mine if x in set(base)] != [x for x in base if x in set(mine)]


def touched(base: Entry | None, mine: Entry) -> bool:
    """A hand changed the words or the marks of an entry."""
    if isinstance(mine, SheetCandidate):
        before = (base.mark, base.words) if isinstance(base, SheetCandidate) else (" ", "")
        return (mine.mark, mine.words) != before
    if isinstance(mine, AddedUrl) or not isinstance(base, SheetPick):
        return True
    return _hand(base) != _hand(mine)


def _hand(pick: SheetPick) -> tuple[object, ...]:
    return pick.title, pick.url, pick.blurb, pick.origin, pick.highlight, pick.note, pick.update_of, pick.conflicts
