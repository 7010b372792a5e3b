"""Three versions of a sheet made one: last generated, the editor's, newly generated. No word of a hand is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from digest.issues.places import LIST, Entry, Places, merged_places, places
from digest.issues.three import MergeConflict, Texts, fact, merged_order, three, with_new
from digest.issues.values import AddedUrl, Sheet, SheetCandidate, SheetNote, SheetPick, SheetSection

_FACTS = ("facts", "covered", "twin")
_JUDGED = (*_FACTS, "category", "confidence", "score", "reasons", "mentions")
_HAND = ("date", "period", "form", "state", "layout", "scratch")


def merge(base: Sheet, mine: Sheet, new: Sheet) -> tuple[Sheet, list[MergeConflict]]:
    """Merge field by field. `mine` is settled (see `settle`); merge(b, b, n) is n and merge(b, m, b) is m.

    What only the program changed is refreshed; what the editor changed stays; what both changed stays as the
    editor has it and the program's newer text is kept beside it. Removed picks and lines stay removed. The next
    merge's base is `new`, not the result.
    """
    told: list[MergeConflict] = []
    sides = places(base), places(mine), places(new)
    closed = {s.slug for s in base.sections} - {s.slug for s in mine.sections}
    placed = merged_places(*sides, closed)
    texts = Texts("sheet", told)
    words: dict[str, Any] = {}
    for name in ("title", "intro", "outro"):
        words[name] = texts.merge(name, getattr(base, name), getattr(mine, name), getattr(new, name))
    sections = _sections(base, mine, new, sides, placed, told, texts)
    order = _order(LIST, sides, placed)
    merged = replace(
        new,
        **words,
        **{name: three(getattr(base, name), getattr(mine, name), getattr(new, name)) for name in _HAND},
        sections=tuple(sections),
        notes=_notes(base, mine, new),
        missed=_missed(base, mine, new),
        shortlist=tuple(_line(name, *sides) for name in order),
        conflicts=with_new(three(base.conflicts, mine.conflicts, new.conflicts), texts.shown),
    )
    return merged, told


_Sides = tuple[Places, Places, Places]


def _order(place: str, sides: _Sides, placed: dict[str, str]) -> list[str]:
    base, mine, new = (side.order(place) for side in sides)
    here = [name for name, where in placed.items() if where == place]
    order = merged_order(base, mine, new, set(here))
    return [*order, *(name for name in here if name not in order)]  # proposals for a section that was closed


def _sections(
    base: Sheet,
    mine: Sheet,
    new: Sheet,
    sides: _Sides,
    placed: dict[str, str],
    told: list[MergeConflict],
    texts: Texts,
) -> list[SheetSection]:
    b, m, n = ({section.slug: section for section in sheet.sections} for sheet in (base, mine, new))
    kept = {slug for slug in (m | n) if _stands(b.get(slug), m.get(slug), n.get(slug)) or slug in placed.values()}
    out = []
    for slug in merged_order(list(b), list(m), list(n), kept):
        names = _order(slug, sides, placed)
        entries = tuple(_entry(name, *sides, told) for name in names)
        out.append(replace(_heading(b.get(slug), m.get(slug), n.get(slug), texts), entries=entries))
    return out


def _stands(base: SheetSection | None, mine: SheetSection | None, new: SheetSection | None) -> bool:
    """An empty section stays when the editor made or changed it, or left it alone and the program still has it."""
    if mine is None:
        return base is None and new is not None
    return base is None or new is not None or replace(mine, entries=()) != replace(base, entries=())


def _heading(
    base: SheetSection | None, mine: SheetSection | None, new: SheetSection | None, texts: Texts
) -> SheetSection:
    if mine is None or new is None:
        only = mine or new
        assert only is not None
        return only
    words: dict[str, Any] = {}
    for name in ("title", "closing"):
        before = getattr(base, name) if base else None
        words[name] = texts.merge(f"{name} of {mine.slug}", before, getattr(mine, name), getattr(new, name))
    note, engine = _note(base, mine, new, texts)
    return replace(mine, **words, note=note, engine=engine)


def _note(base: SheetSection | None, mine: SheetSection, new: SheetSection, texts: Texts) -> tuple[str, str]:
    """The prose that stands and who wrote it: a model's gives way to a newer one, or stays deleted."""
    b, m, n = (side and (side.note, side.engine) for side in (base, mine, new))
    if n == b or (m != b and base and base.engine and not mine.note):
        return mine.note, mine.engine
    if m == b or mine.engine:
        return new.note, new.engine
    note = texts.merge(f"note of {mine.slug}", base.note if base else None, mine.note, new.note)
    return note, new.engine if note == new.note else mine.engine


def _entry(name: str, base: Places, mine: Places, new: Places, told: list[MergeConflict]) -> SheetPick | AddedUrl:
    here = mine.entries.get(name)
    if isinstance(here, AddedUrl):
        return here
    theirs = new.entries.get(name)
    if not isinstance(here, SheetPick):
        found = new.pick(name) or mine.pick(name)
        assert found is not None or isinstance(theirs, AddedUrl)
        return found or theirs  # type: ignore[return-value]
    newer = new.pick(name)
    if newer is None:
        return here
    return _pick(base.pick(name), here, newer, told, proposed=isinstance(theirs, SheetPick))


def _pick(
    base: SheetPick | None, mine: SheetPick, new: SheetPick, told: list[MergeConflict], *, proposed: bool
) -> SheetPick:
    """A pick of both sides. A candidate the program did not pick (`proposed` is false) brings facts alone."""
    facts = {name: fact(getattr(base, name, None), getattr(mine, name), getattr(new, name)) for name in _FACTS}
    facts["url"] = three(base.url if base else None, mine.url, new.url)
    if not proposed:
        return replace(mine, **facts)
    texts = Texts(mine.key, told)
    ours = _blurb(base, mine, new, texts)
    out = replace(ours, key=mine.key, **facts)
    before = base or new
    return replace(
        out,
        title=texts.merge("title", base.title if base else None, mine.title, new.title),
        highlight=three(before.highlight, mine.highlight, new.highlight),
        note=three(before.note, mine.note, new.note),
        update_of=three(before.update_of, mine.update_of, new.update_of),
        conflicts=with_new(three(before.conflicts, mine.conflicts, new.conflicts), texts.shown),
    )


def _blurb(base: SheetPick | None, mine: SheetPick, new: SheetPick, texts: Texts) -> SheetPick:
    """The side whose blurb stands, with its origin, engine and flags."""
    b, m, n = (side and (side.blurb, side.origin, side.engine, side.flags) for side in (base, mine, new))
    if m == b or (mine.origin == "source" and not mine.blurb):
        return new
    if n == b:
        return mine
    if mine.origin != "editor":
        return new
    if base and new.blurb and new.blurb not in (base.blurb, mine.blurb):
        texts.clash("blurb", mine.blurb, new.blurb)
    return mine


def _line(name: str, base: Places, mine: Places, new: Places) -> SheetCandidate:
    """A line of the shortlist: the program's judgement, the editor's mark and words."""
    here, theirs, before = _as_line(mine.entries.get(name)), _as_line(new.entries.get(name)), base.entries.get(name)
    return _judged(before if isinstance(before, SheetCandidate) else None, here, theirs)


def _judged(old: SheetCandidate | None, here: SheetCandidate | None, theirs: SheetCandidate | None) -> SheetCandidate:
    if here is None or theirs is None:
        line = here or theirs
        assert line is not None
        return line
    judged = {k: fact(getattr(old, k, None), getattr(here, k), getattr(theirs, k)) for k in _JUDGED}
    hand = {
        k: three(getattr(old or theirs, k), getattr(here, k), getattr(theirs, k))
        for k in ("mark", "words", "title", "url")
    }
    return replace(here, **judged, **hand)


def _as_line(entry: Entry | None) -> SheetCandidate | None:
    if isinstance(entry, SheetPick):
        return SheetCandidate(entry.key, entry.title, entry.url, entry.facts, covered=entry.covered, twin=entry.twin)
    return entry if isinstance(entry, SheetCandidate) else None


def _missed(base: Sheet, mine: Sheet, new: Sheet) -> tuple[SheetCandidate, ...]:
    b, m, n = ({line.key: line for line in sheet.missed} for sheet in (base, mine, new))
    return tuple(_judged(b.get(key), m.get(key), n.get(key)) for key in _lasting(b, m, n))


def _lasting(base: dict[str, Any], mine: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Which lines remain, in order: those of both, those the editor changed, those newly proposed."""
    stays = {key for key in mine if key in new or mine[key] != base.get(key)}
    kept = stays | (new.keys() - base.keys())
    return merged_order(list(base), list(mine), list(new), kept)


def _notes(base: Sheet, mine: Sheet, new: Sheet) -> tuple[SheetNote, ...]:
    b, m, n = ({str(note.id): note for note in sheet.notes} for sheet in (base, mine, new))
    return tuple(_bet(b.get(key), m.get(key), n.get(key)) for key in _lasting(b, m, n))


def _bet(base: SheetNote | None, mine: SheetNote | None, new: SheetNote | None) -> SheetNote:
    if mine is None or new is None:
        only = mine or new
        assert only is not None
        return only
    before = base or new
    text = fact(before.text, mine.text, new.text)
    return SheetNote(
        mine.id, text, three(before.outcome, mine.outcome, new.outcome), three(before.words, mine.words, new.words)
    )
