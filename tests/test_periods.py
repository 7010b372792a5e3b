"""Periods are read, spelled and bounded in one way."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from digest.errors import ConfigError
from digest.periods import Period, parse_period

NOW = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "name", "months"),
    [
        ("2026-10", "2026-10", 1),
        ("last", "2025-12", 1),
        ("this", "2026-01", 1),
        ("2025", "2025", 12),
        ("2025-Q3", "2025-Q3", 3),
        ("2025-07..2025-09", "2025-Q3", 3),
        ("2025-01..2025-12", "2025", 12),
        ("2025-11..2026-02", "2025-11..2026-02", 4),
    ],
)
def test_a_period_has_one_canonical_name(text: str, name: str, months: int) -> None:
    period = parse_period(text, NOW)
    assert period.name == name
    assert len(period.months()) == months
    assert parse_period(period.name, NOW) == period


def test_last_is_seen_from_the_newsletters_zone() -> None:
    assert parse_period("this", NOW, ZoneInfo("America/New_York")).name == "2025-12"


@pytest.mark.parametrize("text", ["2026-13", "10-2026", "", "../x", "2026-05..2026-01", "0001-01", "2026-1"])
def test_a_bad_period_is_a_usage_error(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_period(text, NOW)


def test_bounds_follow_clock_changes() -> None:
    march = Period((2025, 3), (2025, 3))
    zone = ZoneInfo("Europe/Madrid")
    assert march.start(zone) == datetime(2025, 2, 28, 23, tzinfo=UTC)
    assert march.end(zone) == datetime(2025, 3, 31, 22, tzinfo=UTC)


def test_month_anchors_are_short_and_distinct() -> None:
    assert list(Period((2025, 7), (2025, 9)).get_month_anchors().values()) == ["jul", "aug", "sep"]
    assert Period((2024, 11), (2025, 2)).get_month_anchors() == {
        "2024-11": "nov",
        "2024-12": "dec",
        "2025-01": "jan",
        "2025-02": "feb",
    }
    long = Period((2024, 1), (2025, 1)).get_month_anchors()
    assert (long["2024-01"], long["2025-01"]) == ("jan-2024", "jan-2025")
