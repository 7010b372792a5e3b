"""Select the favourites of a recap: which picks keep their text, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from digest.drafts.recap.picks import PastPick, compute_pick_weight, has_editor_text, has_verdict

_BALANCE = 1.0  # what one pick more than its share costs a month or a category, in units of the weight


@dataclass(frozen=True, slots=True)
class Favourites:
    """The keys of the picks that are kept, each with its reasons; the rest is folded into single lines."""

    reasons: dict[str, str]

    def is_kept(self, past: PastPick) -> bool:
        return past.pick.key in self.reasons


def select_favourites(picks: Sequence[PastPick], count: int) -> Favourites:
    """Select `count` picks by weight, balanced over months and categories.

    Withdrawn and superseded works, and those only noted, are not selected. Equal picks are ordered by their place in the ranking of their
    month, then by the editor's order within it.
    """
    eligible = [past for past in picks if not (past.withdrawn or past.superseded_by or past.pick.note)]
    count = min(count, len(eligible))
    months, categories = (Counter(getattr(past, name) for past in eligible) for name in ("month", "category"))
    month_share, kept_months, kept_categories = count / max(1, len(months)), Counter[str](), Counter[str]()
    positions, orders = Counter[str](), {}
    for past in eligible:
        positions[past.month] += 1
        orders[past.pick.key] = (-(past.score or 0.0), positions[past.month], past.month)

    def rank(past: PastPick) -> tuple[float, tuple[float, int, str]]:
        category_share = count * categories[past.category] / len(eligible)
        excess = kept_months[past.month] / month_share + kept_categories[past.category] / category_share
        return _BALANCE * excess - compute_pick_weight(past), orders[past.pick.key]

    reasons: dict[str, str] = {}
    remaining = list(eligible)
    for _ in range(count):
        best = min(remaining, key=rank)
        remaining.remove(best)
        kept_months[best.month] += 1
        kept_categories[best.category] += 1
        reasons[best.pick.key] = explain_weight(best) or "balances its month and category"
    return Favourites(reasons)


def explain_weight(past: PastPick) -> str:
    """List what speaks for a pick; empty when nothing sets it apart."""
    reasons = (
        ("your highlight", past.pick.highlight is not None),
        ("your verdict", has_verdict(past)),
        ("named in your introduction", past.is_introduced),
        ("your own words", has_editor_text(past)),
        ("covered again later", past.pick.update_of is not None),
        (f"named by {past.mentions} sources", past.mentions > 1),
    )
    return ", ".join(text for text, holds in reasons if holds)
