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

    where: str
    field: str
    mine: str
    new: str


@dataclass(slots=True)
class Texts:
    """Merges the texts of one place and remembers their conflicts."""

    where: str
    told: list[MergeConflict]
    shown: list[Conflict] = field(default_factory=list)

    def merge(self, name: str, base: str | None, mine: str, new: str) -> str:
        """The text that stands; `base` is None where the last version had no such place."""
        if mine in (base, new) or (not mine and base is None):
            return new
        if base is not None and new not in (base, ""):
            self.clash(name, mine, new)
        return mine

    def clash(self, name: str, mine: str, new: str) -> None:
        """Remember that the program has a newer text than the editor's base."""
        self.told.append(MergeConflict(self.where, name, mine, new))
        self.shown.append(Conflict(name, new))


def three(base: T, mine: T, new: T) -> T:
    """What the editor left alone is the program's."""
    return new if mine == base else mine


def fact(base: T, mine: T, new: T) -> T:
    """What is not the editor's to change: the newest that differs from the base."""
    return mine if new == base else new


def with_new(conflicts: Sequence[Conflict], more: Sequence[Conflict]) -> tuple[Conflict, ...]:
    """Conflicts, each once."""
    return tuple(dict.fromkeys((*conflicts, *more)))


def merged_order(base: Sequence[str], mine: Sequence[str], new: Sequence[str], kept: Collection[str]) -> list[str]:
    """The kept ids in the program's new order, or in the editor's where the editor reordered what the base had.

    An id that only the other side knows stands behind the one it stood behind there.
    """
    known, old = set(mine), set(base)
    moved = [x for x in mine if x in old] != [x for x in base if x in known]
    lead, follow = (mine, new) if moved else (new, mine)
    order = [x for x in lead if x in kept]
    placed, before = set(order), ""
    for here in follow:
        if here not in kept:
            continue
        if here not in placed:
            order.insert(order.index(before) + 1 if before else 0, here)
            placed.add(here)
        before = here
    return order
