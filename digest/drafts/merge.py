"""Three-way merge.

Three versions of a sheet made one: last generated, the editor's, newly generated. No word of a hand is lost.

Three-way rules for values, texts and orders: what one side changed wins; what both changed is the editor's.

Where each work stands in a sheet, and where it stands after a merge: in a section, on the shortlist, nowhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from digest.drafts.entries import candidate_to_pick
from digest.drafts.model import AddedUrl, Conflict, Draft, DraftCandidate, DraftPick, DraftPrediction, DraftSection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """A text both sides changed: the editor's stands. `where` is a pick's key, a section's slug, or "sheet"."""

    location: str
    field: str
    edited: str
    generated: str


@dataclass(slots=True)
class TextMerger:
    """Merges the texts of one place and remembers their conflicts."""

    location: str
    merge_conflicts: list[MergeConflict]
    draft_conflicts: list[Conflict] = field(default_factory=list)

    def merge_text(self, name: str, base: str | None, edited: str, generated: str) -> str:
        """The text that stands; `base` is None where the last version had no such place."""
        if edited in (base, generated) or (not edited and base is None):
            return generated
        if base is not None and generated not in (base, ""):
            self.add_conflict(name, edited, generated)
        return edited

    def add_conflict(self, name: str, edited: str, generated: str) -> None:
        """Remember that the program has a newer text than the editor's base."""
        self.merge_conflicts.append(MergeConflict(self.location, name, edited, generated))
        self.draft_conflicts.append(Conflict(name, generated))


def merge_value(base: T, edited: T, generated: T) -> T:
    """What the editor left alone is the program's."""
    return generated if edited == base else edited


def merge_fact(base: T, edited: T, generated: T) -> T:
    """What is not the editor's to change: the newest that differs from the base."""
    return edited if generated == base else generated


def union_conflicts(conflicts: Sequence[Conflict], new_conflicts: Sequence[Conflict]) -> tuple[Conflict, ...]:
    """Conflicts, each once."""
    return tuple(dict.fromkeys((*conflicts, *new_conflicts)))


def merge_order(
    base: Sequence[str], edited: Sequence[str], generated: Sequence[str], kept_keys: Collection[str]
) -> list[str]:
    """The kept ids in the program's new order, or in the editor's where the editor reordered what the base had.

    An id that only the other side knows stands behind the one it stood behind there.
    """
    known, old = set(edited), set(base)
    moved = [x for x in edited if x in old] != [x for x in base if x in known]
    lead, follow = (edited, generated) if moved else (generated, edited)
    order = [x for x in lead if x in kept_keys]
    placed, before = set(order), ""
    for here in follow:
        if here not in kept_keys:
            continue
        if here not in placed:
            order.insert(order.index(before) + 1 if before else 0, here)
            placed.add(here)
        before = here
    return order


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


_FACT_FIELDS = ("facts", "covered", "possible_duplicate")
_GENERATED_FIELDS = (*_FACT_FIELDS, "category", "confidence", "score", "reasons", "mentions")
_EDITOR_DRAFT_FIELDS = ("date", "period", "form", "state", "layout", "scratch")


def merge_drafts(base: Draft, edited: Draft, generated: Draft) -> tuple[Draft, list[MergeConflict]]:
    """Merge field by field. `mine` is settled (see `settle`); merge(b, b, n) is n and merge(b, m, b) is m.

    What only the program changed is refreshed; what the editor changed stays; what both changed stays as the
    editor has it and the program's newer text is kept beside it. Removed picks and lines stay removed. The next
    merge's base is `new`, not the result.
    """
    told: list[MergeConflict] = []
    sides = index_draft(base), index_draft(edited), index_draft(generated)
    closed = {s.slug for s in base.sections} - {s.slug for s in edited.sections}
    placed = merge_locations(*sides, closed)
    texts = TextMerger("sheet", told)
    words: dict[str, Any] = {}
    for name in ("title", "intro", "outro"):
        words[name] = texts.merge_text(name, getattr(base, name), getattr(edited, name), getattr(generated, name))
    sections = _merge_sections(base, edited, generated, sides, placed, told, texts)
    order = _merge_location_order(SHORTLIST_LOCATION, sides, placed)
    merged = replace(
        generated,
        **words,
        **{
            name: merge_value(getattr(base, name), getattr(edited, name), getattr(generated, name))
            for name in _EDITOR_DRAFT_FIELDS
        },
        sections=tuple(sections),
        predictions=_merge_predictions(base, edited, generated),
        missed=_merge_missed(base, edited, generated),
        shortlist=tuple(_merge_candidate(name, *sides) for name in order),
        conflicts=union_conflicts(
            merge_value(base.conflicts, edited.conflicts, generated.conflicts), texts.draft_conflicts
        ),
    )
    return merged, told


_DraftIndexes = tuple[DraftIndex, DraftIndex, DraftIndex]


def _merge_location_order(location: str, sides: _DraftIndexes, locations: dict[str, str]) -> list[str]:
    base, mine, new = (side.get_keys(location) for side in sides)
    here = [name for name, where in locations.items() if where == location]
    order = merge_order(base, mine, new, set(here))
    return [*order, *(name for name in here if name not in order)]  # proposals for a section that was closed


def _merge_sections(
    base: Draft,
    edited: Draft,
    generated: Draft,
    sides: _DraftIndexes,
    locations: dict[str, str],
    conflicts: list[MergeConflict],
    texts: TextMerger,
) -> list[DraftSection]:
    b, m, n = ({section.slug: section for section in sheet.sections} for sheet in (base, edited, generated))
    kept = {
        slug
        for slug in (m | n)
        if _is_section_kept(b.get(slug), m.get(slug), n.get(slug)) or slug in locations.values()
    }
    out = []
    for slug in merge_order(list(b), list(m), list(n), kept):
        names = _merge_location_order(slug, sides, locations)
        entries = tuple(_merge_entry(name, *sides, conflicts) for name in names)
        out.append(replace(_merge_section_head(b.get(slug), m.get(slug), n.get(slug), texts), entries=entries))
    return out


def _is_section_kept(base: DraftSection | None, edited: DraftSection | None, generated: DraftSection | None) -> bool:
    """An empty section stays when the editor made or changed it, or left it alone and the program still has it."""
    if edited is None:
        return base is None and generated is not None
    return base is None or generated is not None or replace(edited, entries=()) != replace(base, entries=())


def _merge_section_head(
    base: DraftSection | None, edited: DraftSection | None, generated: DraftSection | None, texts: TextMerger
) -> DraftSection:
    if edited is None or generated is None:
        only = edited or generated
        assert only is not None
        return only
    words: dict[str, Any] = {}
    for name in ("title", "closing"):
        before = getattr(base, name) if base else None
        words[name] = texts.merge_text(
            f"{name} of {edited.slug}", before, getattr(edited, name), getattr(generated, name)
        )
    note, engine = _merge_section_intro(base, edited, generated, texts)
    return replace(edited, **words, intro=note, engine=engine)


def _merge_section_intro(
    base: DraftSection | None, edited: DraftSection, generated: DraftSection, texts: TextMerger
) -> tuple[str, str]:
    """The prose that stands and who wrote it: a model's gives way to a newer one, or stays deleted."""
    b, m, n = (side and (side.intro, side.engine) for side in (base, edited, generated))
    if n == b or (m != b and base and base.engine and not edited.intro):
        return edited.intro, edited.engine
    if m == b or edited.engine:
        return generated.intro, generated.engine
    note = texts.merge_text(f"note of {edited.slug}", base.intro if base else None, edited.intro, generated.intro)
    return note, generated.engine if note == generated.intro else edited.engine


def _merge_entry(
    name: str, base: DraftIndex, edited: DraftIndex, generated: DraftIndex, conflicts: list[MergeConflict]
) -> DraftPick | AddedUrl:
    here = edited.entries.get(name)
    if isinstance(here, AddedUrl):
        return here
    theirs = generated.entries.get(name)
    if not isinstance(here, DraftPick):
        found = generated.get_pick(name) or edited.get_pick(name)
        assert found is not None or isinstance(theirs, AddedUrl)
        return found or theirs  # type: ignore[return-value]
    newer = generated.get_pick(name)
    if newer is None:
        return here
    return _merge_pick(base.get_pick(name), here, newer, conflicts, proposed=isinstance(theirs, DraftPick))


def _merge_pick(
    base: DraftPick | None, edited: DraftPick, generated: DraftPick, conflicts: list[MergeConflict], *, proposed: bool
) -> DraftPick:
    """A pick of both sides. A candidate the program did not pick (`proposed` is false) brings facts alone."""
    facts = {
        name: merge_fact(getattr(base, name, None), getattr(edited, name), getattr(generated, name))
        for name in _FACT_FIELDS
    }
    facts["url"] = merge_value(base.url if base else None, edited.url, generated.url)
    if not proposed:
        return replace(edited, **facts)
    texts = TextMerger(edited.key, conflicts)
    ours = _select_blurb_side(base, edited, generated, texts)
    out = replace(ours, key=edited.key, **facts)
    before = base or generated
    return replace(
        out,
        title=texts.merge_text("title", base.title if base else None, edited.title, generated.title),
        highlight=merge_value(before.highlight, edited.highlight, generated.highlight),
        note=merge_value(before.note, edited.note, generated.note),
        update_of=merge_value(before.update_of, edited.update_of, generated.update_of),
        conflicts=union_conflicts(
            merge_value(before.conflicts, edited.conflicts, generated.conflicts), texts.draft_conflicts
        ),
    )


def _select_blurb_side(base: DraftPick | None, edited: DraftPick, generated: DraftPick, texts: TextMerger) -> DraftPick:
    """The side whose blurb stands, with its origin, engine and flags."""
    b, m, n = (side and (side.blurb, side.origin, side.engine, side.flags) for side in (base, edited, generated))
    if m == b or (edited.origin == "source" and not edited.blurb):
        return generated
    if n == b:
        return edited
    if edited.origin != "editor":
        return generated
    if base and generated.blurb and generated.blurb not in (base.blurb, edited.blurb):
        texts.add_conflict("blurb", edited.blurb, generated.blurb)
    return edited


def _merge_candidate(name: str, base: DraftIndex, edited: DraftIndex, generated: DraftIndex) -> DraftCandidate:
    """A line of the shortlist: the program's judgement, the editor's mark and words."""
    here, theirs, before = (
        _to_candidate(edited.entries.get(name)),
        _to_candidate(generated.entries.get(name)),
        base.entries.get(name),
    )
    return _merge_candidate_fields(before if isinstance(before, DraftCandidate) else None, here, theirs)


def _merge_candidate_fields(
    base: DraftCandidate | None, edited: DraftCandidate | None, generated: DraftCandidate | None
) -> DraftCandidate:
    if edited is None or generated is None:
        line = edited or generated
        assert line is not None
        return line
    judged = {
        k: merge_fact(getattr(base, k, None), getattr(edited, k), getattr(generated, k)) for k in _GENERATED_FIELDS
    }
    hand = {
        k: merge_value(getattr(base or generated, k), getattr(edited, k), getattr(generated, k))
        for k in ("mark", "editor_text", "title", "url")
    }
    return replace(edited, **judged, **hand)


def _to_candidate(entry: DraftEntry | None) -> DraftCandidate | None:
    if isinstance(entry, DraftPick):
        return DraftCandidate(
            entry.key,
            entry.title,
            entry.url,
            entry.facts,
            covered=entry.covered,
            possible_duplicate=entry.possible_duplicate,
        )
    return entry if isinstance(entry, DraftCandidate) else None


def _merge_missed(base: Draft, edited: Draft, generated: Draft) -> tuple[DraftCandidate, ...]:
    b, m, n = ({line.key: line for line in sheet.missed} for sheet in (base, edited, generated))
    return tuple(_merge_candidate_fields(b.get(key), m.get(key), n.get(key)) for key in _merge_line_keys(b, m, n))


def _merge_line_keys(base: dict[str, Any], edited: dict[str, Any], generated: dict[str, Any]) -> list[str]:
    """Which lines remain, in order: those of both, those the editor changed, those newly proposed."""
    stays = {key for key in edited if key in generated or edited[key] != base.get(key)}
    kept = stays | (generated.keys() - base.keys())
    return merge_order(list(base), list(edited), list(generated), kept)


def _merge_predictions(base: Draft, edited: Draft, generated: Draft) -> tuple[DraftPrediction, ...]:
    b, m, n = ({str(note.id): note for note in sheet.predictions} for sheet in (base, edited, generated))
    return tuple(_merge_prediction(b.get(key), m.get(key), n.get(key)) for key in _merge_line_keys(b, m, n))


def _merge_prediction(
    base: DraftPrediction | None, edited: DraftPrediction | None, generated: DraftPrediction | None
) -> DraftPrediction:
    if edited is None or generated is None:
        only = edited or generated
        assert only is not None
        return only
    before = base or generated
    text = merge_fact(before.text, edited.text, generated.text)
    return DraftPrediction(
        edited.id,
        text,
        merge_value(before.outcome, edited.outcome, generated.outcome),
        merge_value(before.comment, edited.comment, generated.comment),
    )
