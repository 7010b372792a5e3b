"""What the editor decided, read off the generated sheet and the edited one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from digest.issues.places import LIST, Places, places
from digest.issues.values import Sheet, SheetCandidate, SheetPick


@dataclass(frozen=True, slots=True)
class Change:
    """A decision on one work. Verdicts: pick, reject, pass (left on the shortlist), move, rewrite."""

    key: str
    verdict: str
    category: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def changes(base: Sheet, mine: Sheet) -> list[Change]:
    """Every decision that leads from `base` (generated) to `mine` (settled): all picks that stand, what was turned
    down or taken out, what was passed over, and for picks that stand the moves between sections and the rewrites.

    `category` is the section's slug for pick and move, and the base's section for a reject of a proposed pick.
    """
    before, after = places(base), places(mine)
    out: list[Change] = []
    for name, entry in after.entries.items():
        if isinstance(entry, SheetPick):
            out += _picked(name, entry, before, after)
        elif isinstance(entry, SheetCandidate):
            verdict = "reject" if entry.mark == "-" or before.where.get(name, LIST) != LIST else "pass"
            out.append(Change(name, verdict, before.where.get(name) or entry.category or None))
    gone = (name for name in before.entries if name not in after.entries)
    return out + [Change(name, "reject", _category(before, name)) for name in gone]


def _picked(name: str, pick: SheetPick, before: Places, after: Places) -> list[Change]:
    section, old = after.where[name], before.entries.get(name)
    out = [Change(name, "pick", section, {"proposed": isinstance(old, SheetPick)})]
    origin = _category(before, name)
    if origin and origin != section:
        out.append(Change(name, "move", section, {"from": origin}))
    written = old.blurb if isinstance(old, SheetPick) else ""
    if pick.origin == "editor" and pick.blurb != written:
        out.append(Change(name, "rewrite", section, {"before": written, "after": pick.blurb}))
    return out


def _category(side: Places, name: str) -> str | None:
    """The section an entry stood in, or the category its line on the shortlist named."""
    entry = side.entries.get(name)
    return side.where.get(name) or (entry.category if isinstance(entry, SheetCandidate) else None) or None
