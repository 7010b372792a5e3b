"""Three-way merge of drafts: last generated, edited, newly generated.

For every value: if only the program changed it, the generated one wins; if the editor changed it, the editor's wins.
Where both changed a text, the generated one is kept beside it as a conflict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

from digest.drafts.model import AddedUrl, Conflict, Draft, DraftCandidate, DraftPick, DraftPrediction, DraftSection

T = TypeVar("T")
DraftEntry = DraftPick | AddedUrl | DraftCandidate

SHORTLIST_LOCATION = ""  # where candidates are; the slug of a section is never empty
_FACT_FIELDS = ("facts", "covered", "possible_duplicate")
_CANDIDATE_FACT_FIELDS = (*_FACT_FIELDS, "category", "confidence", "score", "reasons", "mentions")
_CANDIDATE_EDITOR_FIELDS = ("mark", "editor_text", "title", "url")
_PICK_EDITOR_FIELDS = ("highlight", "note", "update_of", "proposed_verdict")
_DRAFT_EDITOR_FIELDS = ("subject", "preheader", "date", "period", "form", "state", "layout", "scratch")


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """A text both sides changed; `location` is a pick's key, a section's slug or "draft"."""

    location: str
    field: str
    edited: str
    generated: str


@dataclass(frozen=True, slots=True)
class DraftIndex:
    """The entries of a draft by name, where each is, and the order within each location.

    The name of an entry is its key. An added URL has no key, so its whole value is its name.
    """

    entries: dict[str, DraftEntry] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)
    names_by_location: dict[str, list[str]] = field(default_factory=dict)

    def get_names(self, location: str) -> list[str]:
        return self.names_by_location.get(location, [])

    def get_pick(self, name: str) -> DraftPick | None:
        """Return the entry as a pick, also when it is still a candidate."""
        entry = self.entries.get(name)
        return entry.to_pick() if isinstance(entry, DraftCandidate) else entry if isinstance(entry, DraftPick) else None

    def get_candidate(self, name: str) -> DraftCandidate | None:
        """Return the entry as a candidate; the text of a pick stays with the pick."""
        entry = self.entries.get(name)
        if isinstance(entry, DraftPick):
            return replace(entry.to_candidate(), editor_text="")
        return entry if isinstance(entry, DraftCandidate) else None

    def add(self, name: str, entry: DraftEntry, location: str) -> None:
        self.entries[name], self.locations[name] = entry, location
        self.names_by_location.setdefault(location, []).append(name)


class _Indexes(NamedTuple):
    base: DraftIndex
    edited: DraftIndex
    generated: DraftIndex


class _TextMerger:
    """Merges the texts of one location and collects their conflicts, for the caller and for the draft."""

    def __init__(self, location: str, conflicts: list[MergeConflict]) -> None:
        self.location = location
        self.merge_conflicts = conflicts
        self.draft_conflicts: list[Conflict] = []

    def merge_text(self, name: str, base: str | None, edited: str, generated: str) -> str:
        """Return the text that wins; `base` is None where the last version had no such place."""
        if edited in (base, generated) or (not edited and base is None):
            return generated
        if base is not None and generated not in (base, ""):
            self.add_conflict(name, edited, generated)
        return edited

    def add_conflict(self, name: str, edited: str, generated: str) -> None:
        self.merge_conflicts.append(MergeConflict(self.location, name, edited, generated))
        self.draft_conflicts.append(Conflict(name, generated))

    def merge_conflict_lists(self, *sides: tuple[Conflict, ...]) -> tuple[Conflict, ...]:
        """Merge the conflicts shown so far and add the new ones, each once."""
        return tuple(dict.fromkeys((*_merge_value(*sides), *self.draft_conflicts)))


def merge_drafts(base: Draft, edited: Draft, generated: Draft) -> tuple[Draft, list[MergeConflict]]:
    """Merge field by field; the marks of `edited` have been applied (`apply_marks`).

    `merge(b, b, g)` is g and `merge(b, e, b)` is e. Removed picks and candidates stay removed. The base of the next
    merge is `generated`, not the result.
    """
    conflicts: list[MergeConflict] = []
    sides = _Indexes(index_draft(base), index_draft(edited), index_draft(generated))
    removed_sections = {section.slug for section in base.sections} - {section.slug for section in edited.sections}
    locations = _merge_locations(sides, removed_sections)
    texts = _TextMerger("draft", conflicts)
    merged_texts: dict[str, Any] = {
        name: texts.merge_text(name, getattr(base, name), getattr(edited, name), getattr(generated, name))
        for name in ("title", "intro", "outro")
    }
    merged = replace(
        generated,
        **merged_texts,
        **_merge_fields(_DRAFT_EDITOR_FIELDS, base, edited, generated),
        sections=tuple(_merge_sections((base, edited, generated), sides, locations, texts)),
        predictions=_merge_lines(_merge_prediction, *_by_key("predictions", "id", base, edited, generated)),
        missed=_merge_lines(_merge_candidate, *_by_key("missed", "key", base, edited, generated)),
        shortlist=tuple(
            _merge_candidate(*_get_candidates(name, sides))
            for name in _order_names(SHORTLIST_LOCATION, sides, locations)
        ),
        conflicts=texts.merge_conflict_lists(base.conflicts, edited.conflicts, generated.conflicts),
    )
    return merged, conflicts


def index_draft(draft: Draft) -> DraftIndex:
    """Index the entries of a draft; a key that is both a pick and a candidate counts as the pick."""
    index = DraftIndex()
    repeats: Counter[AddedUrl] = Counter()
    for section in draft.sections:
        for entry in section.entries:
            if isinstance(entry, AddedUrl):
                index.add(f"{entry!r} {repeats[entry]}", entry, section.slug)
                repeats[entry] += 1
            else:
                index.add(entry.key, entry, section.slug)
    for candidate in draft.shortlist:
        if candidate.key not in index.entries:
            index.add(candidate.key, candidate, SHORTLIST_LOCATION)
    return index


def _merge_value(base: T, edited: T, generated: T) -> T:
    """Return the editor's value where the editor changed it, else the generated one."""
    return generated if edited == base else edited


def _merge_fields(names: Sequence[str], base: object, edited: object, generated: object) -> dict[str, Any]:
    return {name: _merge_value(*(getattr(side, name) for side in (base, edited, generated))) for name in names}


def _merge_facts(names: Sequence[str], base: object, edited: object, generated: object) -> dict[str, Any]:
    """Return the newest values that differ from the base, for fields the editor cannot change."""
    return {name: _merge_value(*(getattr(side, name, None) for side in (base, generated, edited))) for name in names}


def _merge_order(
    base: Iterable[str], edited: Iterable[str], generated: Iterable[str], remaining: Collection[str]
) -> list[str]:
    """Order the remaining names as generated, or as edited if the editor reordered what the base had.

    A name that only the other side has comes after the one it followed there.
    """
    base, edited, generated = list(base), list(edited), list(generated)
    lead, follow = (edited, generated) if _is_reordered(base, edited) else (generated, edited)
    order = [name for name in lead if name in remaining]
    ordered, previous = set(order), ""
    for name in (name for name in follow if name in remaining):
        if name not in ordered:
            order.insert(order.index(previous) + 1 if previous else 0, name)
            ordered.add(name)
        previous = name
    return order


def _is_reordered(base: Sequence[str], edited: Sequence[str]) -> bool:
    in_base, in_edited = set(base), set(edited)
    return [name for name in edited if name in in_base] != [name for name in base if name in in_edited]


def _merge_locations(sides: _Indexes, removed_sections: set[str]) -> dict[str, str]:
    """Return the location of each entry that remains; `removed_sections` were deleted by the editor."""
    base, edited, generated = sides
    reordered = {
        location
        for location, names in edited.names_by_location.items()
        if location != SHORTLIST_LOCATION and _is_reordered(base.get_names(location), names)
    }
    merged = {}
    for name in dict.fromkeys((*edited.locations, *generated.locations, *base.locations)):
        before, current, proposed = (side.locations.get(name) for side in sides)
        is_held = current is not None and (
            current in reordered or _is_edited(base.entries.get(name), edited.entries[name])
        )
        location = proposed if current == before and not is_held else current
        if location in removed_sections:
            location = SHORTLIST_LOCATION if current is None else current
        if location is not None:
            merged[name] = location
    return merged


def _is_edited(base: DraftEntry | None, edited: DraftEntry) -> bool:
    """Whether the editor changed the text or the marks of an entry."""
    if isinstance(edited, DraftCandidate):
        before = (base.mark, base.editor_text) if isinstance(base, DraftCandidate) else (" ", "")
        return (edited.mark, edited.editor_text) != before
    if isinstance(edited, AddedUrl) or not isinstance(base, DraftPick):
        return True
    names = ("title", "url", "blurb", "origin", "verdict", *_PICK_EDITOR_FIELDS, "conflicts")
    return any(getattr(base, name) != getattr(edited, name) for name in names)


def _order_names(location: str, sides: _Indexes, locations: Mapping[str, str]) -> list[str]:
    remaining = [name for name, merged in locations.items() if merged == location]
    base, edited, generated = (side.get_names(location) for side in sides)
    order = _merge_order(base, edited, generated, set(remaining))
    # What is left was proposed for a section that the editor removed.
    return [*order, *(name for name in remaining if name not in order)]


def _merge_sections(
    drafts: tuple[Draft, Draft, Draft], sides: _Indexes, locations: Mapping[str, str], texts: _TextMerger
) -> list[DraftSection]:
    base, edited, generated = ({section.slug: section for section in draft.sections} for draft in drafts)
    remaining = {
        slug
        for slug in edited | generated
        if slug in locations.values() or _is_section_kept(base.get(slug), edited.get(slug), generated.get(slug))
    }
    sections = []
    for slug in _merge_order(base, edited, generated, remaining):
        names = _order_names(slug, sides, locations)
        entries = tuple(_merge_entry(name, sides, texts.merge_conflicts) for name in names)
        head = _merge_section_head(base.get(slug), edited.get(slug), generated.get(slug), texts)
        sections.append(replace(head, entries=entries))
    return sections


def _is_section_kept(base: DraftSection | None, edited: DraftSection | None, generated: DraftSection | None) -> bool:
    """Whether an empty section stays: the editor added or changed it, or the program still has it."""
    if edited is None:
        return base is None and generated is not None
    return base is None or generated is not None or replace(edited, entries=()) != replace(base, entries=())


def _merge_section_head(
    base: DraftSection | None, edited: DraftSection | None, generated: DraftSection | None, texts: _TextMerger
) -> DraftSection:
    if edited is None or generated is None:
        return _pick_either(edited, generated)
    merged: dict[str, Any] = {}
    for name in ("title", "closing"):
        before = getattr(base, name) if base else None
        label = f"{name} of {edited.slug}"
        merged[name] = texts.merge_text(label, before, getattr(edited, name), getattr(generated, name))
    intro, engine = _merge_section_intro(base, edited, generated, texts)
    return replace(edited, **merged, intro=intro, engine=engine)


def _merge_section_intro(
    base: DraftSection | None, edited: DraftSection, generated: DraftSection, texts: _TextMerger
) -> tuple[str, str]:
    """Return the intro and its engine; a model's intro is replaced by a newer one, or stays deleted."""
    before, current, proposed = (side and (side.intro, side.engine) for side in (base, edited, generated))
    if proposed == before or (current != before and base and base.engine and not edited.intro):
        return edited.intro, edited.engine
    if current == before or edited.engine:
        return generated.intro, generated.engine
    intro = texts.merge_text(f"note of {edited.slug}", base.intro if base else None, edited.intro, generated.intro)
    return intro, generated.engine if intro == generated.intro else edited.engine


def _pick_either(edited: T | None, generated: T | None) -> T:
    side = edited if edited is not None else generated
    assert side is not None
    return side


def _merge_entry(name: str, sides: _Indexes, conflicts: list[MergeConflict]) -> DraftPick | AddedUrl:
    edited, generated = sides.edited.entries.get(name), sides.generated.entries.get(name)
    if isinstance(edited, AddedUrl):
        return edited
    proposed = sides.generated.get_pick(name)
    if not isinstance(edited, DraftPick):
        pick = proposed or sides.edited.get_pick(name)
        if pick is not None:
            return pick
        assert isinstance(generated, AddedUrl)
        return generated
    if proposed is None:
        return edited
    base, is_proposed = sides.base.get_pick(name), isinstance(generated, DraftPick)
    return _merge_pick(base, edited, proposed, conflicts, is_proposed=is_proposed)


def _merge_pick(
    base: DraftPick | None,
    edited: DraftPick,
    generated: DraftPick,
    conflicts: list[MergeConflict],
    *,
    is_proposed: bool,
) -> DraftPick:
    """Merge a pick; a candidate that the program did not pick contributes only its facts."""
    facts = _merge_facts(_FACT_FIELDS, base, edited, generated)
    facts["url"] = _merge_value(base.url if base else None, edited.url, generated.url)
    if not is_proposed:
        return replace(edited, **facts)
    texts = _TextMerger(edited.key, conflicts)
    before = base or generated
    fields = _merge_fields(_PICK_EDITOR_FIELDS, before, edited, generated)
    for name in ("title", "verdict"):
        fields[name] = texts.merge_text(
            name, getattr(base, name) if base else None, getattr(edited, name), getattr(generated, name)
        )
    fields["proposed_verdict"] = "" if fields["verdict"] else fields["proposed_verdict"]
    return replace(
        _select_blurb_side(base, edited, generated, texts),
        key=edited.key,
        **facts,
        **fields,
        conflicts=texts.merge_conflict_lists(before.conflicts, edited.conflicts, generated.conflicts),
    )


def _select_blurb_side(
    base: DraftPick | None, edited: DraftPick, generated: DraftPick, texts: _TextMerger
) -> DraftPick:
    """Return the side whose blurb wins, with its origin, engine and flags."""
    before, current, proposed = (p and (p.blurb, p.origin, p.engine, p.flags) for p in (base, edited, generated))
    if current == before or (edited.origin == "source" and not edited.blurb):
        return generated
    if proposed == before:
        return edited
    if edited.origin != "editor":
        return generated
    if base and generated.blurb and generated.blurb not in (base.blurb, edited.blurb):
        texts.add_conflict("blurb", edited.blurb, generated.blurb)
    return edited


def _get_candidates(
    name: str, sides: _Indexes
) -> tuple[DraftCandidate | None, DraftCandidate | None, DraftCandidate | None]:
    before = sides.base.entries.get(name)
    base = before if isinstance(before, DraftCandidate) else None
    return base, sides.edited.get_candidate(name), sides.generated.get_candidate(name)


def _merge_candidate(
    base: DraftCandidate | None, edited: DraftCandidate | None, generated: DraftCandidate | None
) -> DraftCandidate:
    """Merge a candidate: the program's facts, the editor's mark and text."""
    if edited is None or generated is None:
        return _pick_either(edited, generated)
    facts = _merge_facts(_CANDIDATE_FACT_FIELDS, base, edited, generated)
    return replace(edited, **facts, **_merge_fields(_CANDIDATE_EDITOR_FIELDS, base or generated, edited, generated))


def _merge_prediction(
    base: DraftPrediction | None, edited: DraftPrediction | None, generated: DraftPrediction | None
) -> DraftPrediction:
    if edited is None or generated is None:
        return _pick_either(edited, generated)
    before = base or generated
    text = _merge_facts(("text",), before, edited, generated)
    return replace(edited, **text, **_merge_fields(("outcome", "comment"), before, edited, generated))


def _by_key(field_name: str, key_name: str, *drafts: Draft) -> list[dict[str, Any]]:
    return [{str(getattr(line, key_name)): line for line in getattr(draft, field_name)} for draft in drafts]


def _merge_lines(merge: Any, base: dict[str, T], edited: dict[str, T], generated: dict[str, T]) -> tuple[T, ...]:
    """Merge lists of lines: those of both sides, those the editor changed, and those newly proposed remain."""
    remaining = {key for key in edited if key in generated or edited[key] != base.get(key)}
    remaining |= generated.keys() - base.keys()
    order = _merge_order(base, edited, generated, remaining)
    return tuple(merge(base.get(key), edited.get(key), generated.get(key)) for key in order)
