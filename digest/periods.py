"""Periods: `2026-10` a month, `2026` a year, `2026-Q3` a quarter, `2026-03..2026-07` a range; `last`, `this`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo

from digest.errors import ConfigError

_MONTH = re.compile(r"^(\d{4})-(\d{2})$")
# Anchors of the months of a review. They are the same in every language, because readers link to them.
MONTH_ANCHORS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A span of whole months; `last` is inclusive. `name` is the canonical spelling and is safe in a path."""

    first: tuple[int, int]
    last: tuple[int, int]

    @property
    def kind(self) -> str:
        """Return monthly, yearly or range."""
        if self.first == self.last:
            return "monthly"
        return "yearly" if self.first[0] == self.last[0] and (self.first[1], self.last[1]) == (1, 12) else "range"

    @property
    def name(self) -> str:
        year, month = self.first
        if self.kind == "monthly":
            return f"{year}-{month:02d}"
        if self.kind == "yearly":
            return str(year)
        if self.first[0] == self.last[0] and month % 3 == 1 and self.last[1] == month + 2:
            return f"{year}-Q{(month + 2) // 3}"
        return f"{year}-{month:02d}..{self.last[0]}-{self.last[1]:02d}"

    def months(self) -> list[Period]:
        """List the months of the period, in order."""
        months, month = [], self.first
        while month <= self.last:
            months.append(Period(month, month))
            month = _add_months(month, 1)
        return months

    def get_month_anchors(self) -> dict[str, str]:
        """Map each month to its anchor: `2025-01` to jan, or to jan-2025 where a month comes twice."""
        months = self.months()
        names = [MONTH_ANCHORS[month.first[1] - 1] for month in months]
        if len(months) > len(MONTH_ANCHORS):
            names = [f"{name}-{month.first[0]}" for name, month in zip(names, months, strict=True)]
        return dict(zip((month.name for month in months), names, strict=True))

    def start(self, zone: tzinfo = UTC) -> datetime:
        """Return the first instant, in UTC."""
        return datetime.combine(date(*self.first, 1), time(), zone).astimezone(UTC)

    def end(self, zone: tzinfo = UTC) -> datetime:
        """Return the first instant after the period, in UTC."""
        return datetime.combine(date(*_add_months(self.last, 1), 1), time(), zone).astimezone(UTC)

    def __str__(self) -> str:
        return self.name


def get_month_of(moment: datetime, zone: tzinfo = UTC) -> Period:
    """Return the month of a moment in that zone."""
    local = moment.astimezone(zone)
    return Period((local.year, local.month), (local.year, local.month))


def parse_period(text: str, now: datetime, zone: tzinfo = UTC) -> Period:
    """Parse a period; `last` and `this` are months seen from `now`. Raises ConfigError."""
    text = text.strip()
    this = get_month_of(now, zone).first
    if text.lower() in ("this", "last"):
        month = this if text.lower() == "this" else _add_months(this, -1)
        return Period(month, month)
    if ".." in text:
        first, _, last = text.partition("..")
        period = Period(_parse_month(first, text), _parse_month(last, text))
        if period.first > period.last:
            raise ConfigError(f"period {text!r} ends before it begins", f"write {last}..{first}")
        return period
    if match := re.match(r"^(\d{4})-[Qq]([1-4])$", text):
        first_month = int(match[2]) * 3 - 2
        return Period((_parse_year(match[1], text), first_month), (int(match[1]), first_month + 2))
    if re.match(r"^\d{4}$", text):
        return Period((_parse_year(text, text), 1), (int(text), 12))
    month = _parse_month(text, text)
    return Period(month, month)


def _parse_year(text: str, period_text: str) -> int:
    if not 1990 <= int(text) <= 2200:
        raise ConfigError(f"period {period_text!r}: {text} is not a plausible year", "name one from 1990 to 2200")
    return int(text)


def _parse_month(text: str, period_text: str) -> tuple[int, int]:
    match = _MONTH.match(text.strip())
    if not match or not 1 <= int(match[2]) <= 12:
        raise ConfigError(
            f"{period_text!r} is not a period", "write 2026-10, 2026, 2026-Q3, 2026-03..2026-07, 'last' or 'this'"
        )
    return _parse_year(match[1], period_text), int(match[2])


def _add_months(month: tuple[int, int], count: int) -> tuple[int, int]:
    total = month[0] * 12 + month[1] - 1 + count
    return total // 12, total % 12 + 1
