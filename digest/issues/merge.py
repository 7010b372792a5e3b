"""Three versions of a sheet made one: last generated, the editor's, newly generated. No word of a hand is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from digest.issues.places import SHORTLIST_LOCATION, DraftEntry, DraftIndex, index_draft, merge_locations
from digest.issues.three import MergeConflict, TextMerger, merge_fact, merge_order, merge_value, union_conflicts
from digest.issues.values import AddedUrl, Draft, DraftCandidate, DraftPick, DraftPrediction, DraftSection

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
