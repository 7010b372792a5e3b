"""Silence is judged against a source's own history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.ingest.staleness import measure_stale_time

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def days(every: float, last: float, count: int = 20) -> list[datetime]:
    """`count` active days, one `every` so many days, the last one `last` days ago."""
    return [NOW - timedelta(days=last + every * back) for back in reversed(range(count))]


@pytest.mark.parametrize(
    ("every", "last", "silent"),
    [(1, 2, False), (1, 6, False), (1, 8, True), (7, 20, False), (7, 22, True), (30, 80, False), (30, 91, True)],
)
def test_a_source_is_silent_after_three_times_its_usual_pause_and_a_week(
    every: float, last: float, silent: bool
) -> None:
    assert measure_stale_time(days(every, last), NOW) == (timedelta(days=last) if silent else None)


def test_one_long_holiday_does_not_make_a_habit() -> None:
    history = days(1, 130) + days(1, 10)
    assert measure_stale_time(history, NOW) == 10 * DAY


def test_a_source_with_little_history_is_never_called_silent() -> None:
    assert measure_stale_time(days(1, 100, count=5), NOW) is None
    assert measure_stale_time([], NOW) is None
