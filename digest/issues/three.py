"""Three-way rules for values, texts and orders: what one side changed wins; what both changed is the editor's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from digest.issues.values import Conflict

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
