"""What the editor decided, read off the generated sheet and the edited one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from digest.drafts.merge import SHORTLIST_LOCATION, DraftIndex, index_draft
from digest.drafts.model import Draft, DraftCandidate, DraftPick


@dataclass(frozen=True, slots=True)
class EditorDecision:
    """A decision on one work. Verdicts: pick, reject, pass (left on the shortlist), move, rewrite."""

    key: str
    verdict: str
    category: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def diff_drafts(base: Draft, edited: Draft) -> list[EditorDecision]:
    """Every decision that leads from `base` (generated) to `mine` (settled): all picks that stand, what was turned
    down or taken out, what was passed over, and for picks that stand the moves between sections and the rewrites.

    `category` is the section's slug for pick and move, and the base's section for a reject of a proposed pick.
    """
    before, after = index_draft(base), index_draft(edited)
    out: list[EditorDecision] = []
    for name, entry in after.entries.items():
        if isinstance(entry, DraftPick):
            out += _diff_pick(name, entry, before, after)
        elif isinstance(entry, DraftCandidate):
            verdict = (
                "reject"
                if entry.mark == "-" or before.locations.get(name, SHORTLIST_LOCATION) != SHORTLIST_LOCATION
                else "pass"
            )
            out.append(EditorDecision(name, verdict, before.locations.get(name) or entry.category or None))
    gone = (name for name in before.entries if name not in after.entries)
    return out + [EditorDecision(name, "reject", _find_category(before, name)) for name in gone]


def _diff_pick(key: str, pick: DraftPick, before: DraftIndex, after: DraftIndex) -> list[EditorDecision]:
    section, old = after.locations[key], before.entries.get(key)
    out = [EditorDecision(key, "pick", section, {"proposed": isinstance(old, DraftPick)})]
    origin = _find_category(before, key)
    if origin and origin != section:
        out.append(EditorDecision(key, "move", section, {"from": origin}))
    written = old.blurb if isinstance(old, DraftPick) else ""
    if pick.origin == "editor" and pick.blurb != written:
        out.append(EditorDecision(key, "rewrite", section, {"before": written, "after": pick.blurb}))
    return out


def _find_category(index: DraftIndex, key: str) -> str | None:
    """The section an entry stood in, or the category its line on the shortlist named."""
    entry = index.entries.get(key)
    return index.locations.get(key) or (entry.category if isinstance(entry, DraftCandidate) else None) or None
