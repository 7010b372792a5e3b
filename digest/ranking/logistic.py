"""Logistic regression with a Gaussian prior, in plain numpy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.ranking.tokens import SLOT_COUNT
from digest.sparse import SparseMatrix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digest.embeddings import Matrix

    Vector = NDArray[np.float64]
    Objective = Callable[[Vector], tuple[float, Vector]]


@dataclass(frozen=True, slots=True)
class DesignMatrix:
    """Dense columns and sparse token columns, side by side."""

    dense: Matrix
    sparse: SparseMatrix

    def multiply_vector(self, weights: Vector) -> Vector:
        """Return the product with one weight a column."""
        single, width = weights.astype("f4"), self.dense.shape[1]
        product: Vector = self.dense @ single[:width] + self.sparse.multiply_vector(single[width:])
        return product

    def multiply_transposed(self, rows: Vector) -> Vector:
        """Return the product of the transposed matrix with one number a row."""
        import numpy as np

        return np.concatenate([self.dense.T @ rows.astype("f4"), self.sparse.multiply_transposed(rows, SLOT_COUNT)])


def fit_logistic(design: DesignMatrix, chosen: Vector, prior: Vector, precision: Vector) -> Vector:
    """Fit weights, the last one being the intercept, that separate chosen (1) from other rows (0).

    `prior` and `precision` are the mean and the precision of a Gaussian: with few rows the weights stay near the prior.
    """
    import numpy as np

    def objective(weights: Vector) -> tuple[float, Vector]:
        margin = design.multiply_vector(weights[:-1]) + weights[-1]
        away = weights - prior
        loss = float((np.logaddexp(0, margin) - chosen * margin).sum() + (precision * away**2).sum() / 2)
        error = 1 / (1 + np.exp(-np.clip(margin, -60, 60))) - chosen
        return loss, np.append(design.multiply_transposed(error), error.sum()) + precision * away

    return _minimise(objective, prior.copy())


def _minimise(objective: Objective, start: Vector, steps: int = 150, tolerance: float = 1e-5) -> Vector:
    """Limited-memory BFGS with backtracking (Nocedal and Wright, Numerical Optimization, algorithm 7.5)."""
    import numpy as np

    memory: deque[tuple[Vector, Vector]] = deque(maxlen=10)
    value, slope = objective(start)
    for _ in range(steps):
        direction = -_apply_inverse_hessian(slope, memory)
        descent = float(direction @ slope)
        reach = 1.0 if memory else min(1.0, 1.0 / max(float(np.abs(slope).sum()), 1e-12))
        for _ in range(30):
            trial = start + reach * direction
            trial_value, trial_slope = objective(trial)
            if trial_value <= value + 1e-4 * reach * descent:
                break
            reach /= 2
        else:
            return start
        moved, turned = trial - start, trial_slope - slope
        if float(moved @ turned) > 1e-12:
            memory.append((moved, turned))
        done = value - trial_value <= tolerance * max(1.0, abs(value))
        start, value, slope = trial, trial_value, trial_slope
        if done:
            break
    return start


def _apply_inverse_hessian(gradient: Vector, memory: deque[tuple[Vector, Vector]]) -> Vector:
    """Return the gradient times the inverse curvature of the last steps."""
    out = gradient.copy()
    shares = []
    for moved, turned in reversed(memory):
        share = float(moved @ out) / float(moved @ turned)
        out -= share * turned
        shares.append(share)
    if memory:
        moved, turned = memory[-1]
        out *= float(moved @ turned) / float(turned @ turned)
    for (moved, turned), share in zip(memory, reversed(shares), strict=True):
        out += moved * (share - float(turned @ out) / float(moved @ turned))
    return out
