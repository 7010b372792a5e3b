"""The editor's decisions, read off the generated draft and the edited one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from digest.drafts.merge import SHORTLIST_LOCATION, DraftIndex, index_draft
from digest.drafts.model import Draft, DraftCandidate, DraftPick


@dataclass(frozen=True, slots=True)
class EditorDecision:
    """A decision on one item. Verdicts: pick, reject, pass (left on the shortlist), move, rewrite."""

    key: str
    verdict: str
    category: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def diff_drafts(base: Draft, edited: Draft) -> list[EditorDecision]:
    """List the decisions that lead from `base` (generated) to `edited` (its marks applied).

    `category` is the section's slug for pick and move, and the base's section for a reject of a proposed pick.
    """
    before, after = index_draft(base), index_draft(edited)
    decisions: list[EditorDecision] = []
    for name, entry in after.entries.items():
        if isinstance(entry, DraftPick):
            decisions += _diff_pick(entry, before, after)
        elif isinstance(entry, DraftCandidate):
            was_picked = before.locations.get(name, SHORTLIST_LOCATION) != SHORTLIST_LOCATION
            verdict = "reject" if entry.mark == "-" or was_picked else "pass"
            decisions.append(EditorDecision(name, verdict, before.locations.get(name) or entry.category or None))
    removed = (name for name in before.entries if name not in after.entries)
    return decisions + [EditorDecision(name, "reject", _find_category(before, name)) for name in removed]


def _diff_pick(pick: DraftPick, before: DraftIndex, after: DraftIndex) -> list[EditorDecision]:
    section, previous = after.locations[pick.key], before.entries.get(pick.key)
    decisions = [EditorDecision(pick.key, "pick", section, {"proposed": isinstance(previous, DraftPick)})]
    category = _find_category(before, pick.key)
    if category and category != section:
        decisions.append(EditorDecision(pick.key, "move", section, {"from": category}))
    blurb = previous.blurb if isinstance(previous, DraftPick) else ""
    if pick.origin == "editor" and pick.blurb != blurb:
        decisions.append(EditorDecision(pick.key, "rewrite", section, {"before": blurb, "after": pick.blurb}))
    return decisions


def _find_category(index: DraftIndex, key: str) -> str | None:
    """Return the section an entry was in, or the category its line on the shortlist named."""
    entry = index.entries.get(key)
    return index.locations.get(key) or (entry.category if isinstance(entry, DraftCandidate) else None) or None
