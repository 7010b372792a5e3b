"""The picks a recap is made of, each work once, and what weight an editor and others gave it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from digest.issues.values import DraftPick


@dataclass(frozen=True, slots=True)
class PastPick:
    """A pick of one of the months. Its terms are counted in `text`, or in the title, whose words say most."""

    pick: DraftPick
    category: str
    month: str  # 2025-03
    published: date | None = None
    text: str = ""
    mentions: int = 1
    source: str = ""
    withdrawn: date | None = None
    superseded_by: str = ""  # the key or title of the work that took its place
    score: float | None = None  # in the ranking of its month
    is_from_ranking: bool = False  # its month was never published: it comes from the ranking


def deduplicate_picks(picks: Iterable[PastPick]) -> list[PastPick]:
    """Each work once, where it stood first, with the words and the highlight of its last update."""
    out: dict[str, PastPick] = {}
    for past in sorted(picks, key=lambda past: past.month):
        before = out.get(past.pick.key)
        if before is None:
            out[past.pick.key] = past
        else:
            why = past.pick.highlight or before.pick.highlight
            newer = past.pick if past.pick.blurb else before.pick
            pick = replace(newer, highlight=why, update_of=before.pick.update_of)
            out[past.pick.key] = replace(before, pick=pick, withdrawn=past.withdrawn or before.withdrawn)
    return list(out.values())


def group_picks(order: Iterable[str], named_picks: Iterable[tuple[str, PastPick]]) -> dict[str, list[PastPick]]:
    """Picks by name in that order, unknown names last, empty ones left out."""
    groups: dict[str, list[PastPick]] = {name: [] for name in order}
    for name, past in named_picks:
        groups.setdefault(name, []).append(past)
    return {name: group for name, group in groups.items() if group}


def compute_pick_weight(pick: PastPick) -> tuple[float, str]:
    marked = 3.0 * (pick.pick.highlight is not None)
    return marked + has_editor_text(pick) + min(pick.mentions - 1, 8) / 2, pick.pick.key


def has_editor_text(past: PastPick) -> bool:
    return past.pick.origin == "editor" and bool(past.pick.blurb)
