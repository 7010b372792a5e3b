"""The governor: nothing is asked that could pass the run's or the month's limit."""

from __future__ import annotations

from digest.errors import BudgetExceeded


class Budget:
    """USD that a run may spend. Reserve an estimate before a call, settle with the bill after it."""

    def __init__(
        self, per_run: float, per_month: float, spent_this_month: float = 0.0, spent_this_run: float = 0.0
    ) -> None:
        self.spent = 0.0  # since this budget was made
        self._per_run = per_run
        self._per_month = per_month
        self._month = spent_this_month
        self._run = spent_this_run
        self._reserved = 0.0

    @property
    def held(self) -> bool:
        """Whether calls are under way, whose bills may leave more than is left now."""
        return self._reserved > 1e-12

    def reserve(self, usd: float) -> None:
        """Hold an amount; raises BudgetExceeded when that, with all that is held and spent, is too much."""
        ahead = self.spent + self._reserved + usd
        for limit, total, what, key in (
            (self._per_run, self._run + ahead, "this run", "max_usd_per_run (or --max-usd)"),
            (self._per_month, self._month + ahead, "this month", "max_usd_per_month"),
        ):
            if total > limit + 1e-12:
                raise BudgetExceeded(
                    f"the limit of {limit:g} USD for {what} is reached: "
                    f"{self._run + self.spent:.4f} USD spent in this run, and the next call may cost {usd:.4f}",
                    f"raise model.{key} in sources.yaml, or go on without a model",
                )
        self._reserved += usd

    def settle(self, reserved: float, billed: float) -> None:
        """Turn a reservation into what was billed; a call that failed is billed 0."""
        self._reserved = max(0.0, self._reserved - reserved)
        self.spent += billed
