"""Weights of namers: what it says for a work that a newsletter, a blog or a list names it, and what votes say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Log-odds of being picked, where nothing was learned: a work that another curator names was picked 6 times likelier
# than one of the same score that none names (see `learn_namer_weights`), and half of that is believed of any source.
DEFAULT_NAMER_WEIGHT = 1.0
DEFAULT_VOTE_WEIGHT = 0.15  # of the logarithm of votes


@dataclass(frozen=True, slots=True)
class NamerWeights:
    """Log-odds that each source adds by naming a work; `default` is for sources without picks to learn from."""

    by_source: Mapping[str, float] = field(default_factory=dict)
    default: float = DEFAULT_NAMER_WEIGHT
    votes: float = DEFAULT_VOTE_WEIGHT

    def get_weight(self, name: str) -> float:
        return self.by_source.get(name, self.default)

    def sum_weights(self, names: Sequence[str]) -> float:
        """Return what all namers of a work add."""
        return sum(map(self.get_weight, names))

    def weigh_votes(self, votes: float) -> float:
        return self.votes * math.log1p(max(votes, 0))

    def describe(self, names: Sequence[str]) -> str:
        """Describe the namers of a work, the weightiest first."""
        first, *others = sorted(names, key=lambda name: -self.get_weight(name))
        if len(others) > 1:
            return f"named by {first} and {len(others)} others"
        return f"named by {' and '.join([first, *others])}"
