"""Enforce the per-run and per-month spending limits."""

from __future__ import annotations

from digest.errors import BudgetExceededError


class Budget:
    """A spending limit in USD. Reserve an estimate before a call, settle with the bill after it."""

    def __init__(self, per_run: float, per_month: float, spent_this_run: float = 0.0) -> None:
        self.spent = 0.0  # since this budget was made
        self.uncertain = 0.0  # possible cost of calls without an answer
        self._per_run = per_run
        self._per_month = per_month
        self._run_spent = spent_this_run
        self._reserved = 0.0

    @property
    def has_reservations(self) -> bool:
        """Whether calls are under way, whose bills may free a part of their reservations."""
        return self._reserved > 1e-12

    def reserve(self, usd: float, month_spent: float = 0.0) -> None:
        """Reserve an amount; raises BudgetExceededError when it would pass a limit.

        `month_spent` is the cost of this month's calls, this run's and its reservations included.
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

    def settle(self, reserved: float, billed: float, *, may_be_billed: bool = False) -> None:
        """Replace a reservation by the bill: 0 for a failed call, the reservation for one that may be billed."""
        self._reserved = max(0.0, self._reserved - reserved)
        self.spent += billed
        self.uncertain += reserved if may_be_billed else 0.0
