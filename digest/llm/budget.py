"""The governor: nothing is asked that could pass the run's or the month's limit."""

from __future__ import annotations

from digest.errors import BudgetExceededError


class Budget:
    """USD that a run may spend. Reserve an estimate before a call, settle with the bill after it."""

    def __init__(self, per_run: float, per_month: float, spent_this_run: float = 0.0) -> None:
        self.spent = 0.0  # since this budget was made
        self.uncertain = 0.0  # what calls without an answer may have cost
        self._per_run = per_run
        self._per_month = per_month
        self._run_spent = spent_this_run
        self._reserved = 0.0

    @property
    def has_reservations(self) -> bool:
        """Whether calls are under way, whose bills may leave more than is left now."""
        return self._reserved > 1e-12

    def reserve(self, usd: float, month_spent: float = 0.0) -> None:
        """Hold an amount; raises BudgetExceeded when that, with all that is held and spent, is too much.

        `month` is what this month's calls have cost or may, this run's and those held here among them.
        """
        run = self._run_spent + self.spent + self.uncertain
        for limit, total, what, spent, key in (
            (self._per_run, run + self._reserved + usd, "this run", run, "max_usd_per_run (or --max-usd)"),
            (self._per_month, month_spent + usd, "this month", month_spent, "max_usd_per_month"),
        ):
            if total > limit + 1e-12:
                raise BudgetExceededError(
                    f"the limit of {limit:g} USD for {what} is reached: "
                    f"{spent:.4f} USD spent in {what}, and the next call may cost {usd:.4f}",
                    f"raise model.{key} in sources.yaml, or go on without a model",
                )
        self._reserved += usd

    def settle(self, reserved: float, billed: float, *, in_doubt: bool = False) -> None:
        """Turn a reservation into what was billed; a call that failed is billed 0, one in doubt counts as reserved."""
        self._reserved = max(0.0, self._reserved - reserved)
        self.spent += billed
        self.uncertain += reserved if in_doubt else 0.0
