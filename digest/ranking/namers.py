"""Weights of namers: what it says for a work that a newsletter, a blog or a list names it, and what votes say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digest.ranking.types import RankerInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]

# Log-odds of being picked, where nothing was learned.
DEFAULT_NAMER_WEIGHT = 1.0
DEFAULT_VOTE_WEIGHT = 0.15  # of the logarithm of votes


@dataclass(frozen=True, slots=True)
class NamerWeights:
    """Log-odds that each source adds by naming a work; `default` is for sources without picks to learn from."""

    by_source: Mapping[str, float] = field(default_factory=dict)
    default: float = DEFAULT_NAMER_WEIGHT
    votes: float = DEFAULT_VOTE_WEIGHT
    is_votes_learned: bool = False

    def get_weight(self, name: str) -> float:
        return self.by_source.get(name, self.default)

    def sum_weights(self, names: Sequence[str]) -> float:
        """Return what all namers of a work add."""
        return sum(map(self.get_weight, names))

    def weigh_votes(self, votes: float) -> float:
        return self.votes * math.log1p(max(votes, 0))

    def list_learned(self) -> list[str]:
        """List the learned weights, `Import AI +2.1`, the weightiest first."""
        named = sorted(self.by_source.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = [f"{name} {weight:+.1f}" for name, weight in named]
        return [*shown, f"votes {self.votes:+.2f}"] if self.is_votes_learned else shown

    def describe(self, names: Sequence[str]) -> str:
        """Describe the namers of a work, the weightiest first."""
        first, *others = sorted(names, key=lambda name: -self.get_weight(name))
        if len(others) > 1:
            return f"named by {first} and {len(others)} others"
        return f"named by {' and '.join([first, *others])}"


def has_namers(candidates: Sequence[RankerInput]) -> bool:
    """Return whether any candidate is named or voted for."""
    return any(candidate.named_by or candidate.votes for candidate in candidates)


def fit_namer_weights(
    scores: Sequence[float], candidates: Sequence[RankerInput], picked: Sequence[bool]
) -> NamerWeights:
    """Fit what each source's naming and votes add to scores that were made without them.

    The fit is a logistic regression beside the scores. A source with few picks stays near what all sources have in
    common, and that near the default.
    """
    import numpy as np

    names = sorted({name for candidate in candidates for name in candidate.named_by})
    votes = np.log1p(np.array([candidate.votes or 0 for candidate in candidates], dtype=np.float64))
    named = np.array([[name in c.named_by for name in names] for c in candidates], dtype=np.float64)
    named = named.reshape(len(candidates), len(names))
    target, base = np.array(picked, dtype=np.float64), np.array(scores, dtype=np.float64)
    common = _fit_beside(base, np.column_stack([named.sum(axis=1), votes]), target, _COMMON_PRIOR)
    prior = np.array([common[0]] * len(names) + [common[1]])
    weights = _fit_beside(base, np.column_stack([named, votes]), target, prior).round(3).tolist()
    return NamerWeights(
        dict(zip(names, weights, strict=False)), round(float(common[0]), 3), weights[-1], bool(votes.any())
    )


_COMMON_PRIOR = (DEFAULT_NAMER_WEIGHT, DEFAULT_VOTE_WEIGHT)
_PRIOR_PRECISION = 1.0  # of a weight around its prior
_STEPS = 30


def _fit_beside(base: Vector, columns: Vector, target: Vector, prior: Sequence[float] | Vector) -> Vector:
    """Fit weights of columns beside a score, in units of the score, by Newton's method; the score's scale is free."""
    import numpy as np

    design = np.column_stack([columns, base, np.ones(len(base))])
    mean = np.array([*prior, 1.0, -5.0])
    precision = np.array([_PRIOR_PRECISION] * len(prior) + [1.0, 1e-3])
    weights = mean.copy()
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -40, 40)))
        slope = design.T @ (chance - target) + precision * (weights - mean)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(curvature, slope)
        weights -= np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-6:
            break
    fitted: Vector = weights[: len(prior)] / max(float(weights[-2]), 0.2)
    return fitted
