"""When a source is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.http.caching import compute_backoff, compute_next_check, parse_http_date, parse_retry_after

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
DATE = "Wed, 04 Mar 2026 12:00:00 GMT"
HOUR = timedelta(hours=1)


def none() -> float:
    """No jitter."""
    return 0.0


@pytest.mark.parametrize(
    ("headers", "ttl", "hours"),
    [
        ({}, None, 1.0),
        ({}, 180, 3.0),
        ({}, 10, 1.0),
        ({}, -5, 1.0),
        ({}, 10**9, 24.0),
        ({"cache-control": "max-age=7200"}, None, 2.0),
        ({"cache-control": 'public, max-age="7200"'}, None, 2.0),
        ({"cache-control": "max-age=7200", "age": "3600"}, None, 1.0),
        ({"cache-control": "max-age=10800", "age": "3600"}, None, 2.0),
        ({"cache-control": "max-age=10800", "age": "soon"}, None, 3.0),
        ({"cache-control": "s-maxage=7200"}, None, 1.0),
        ({"cache-control": "max-age=31536000"}, None, 24.0),
        ({"cache-control": "no-cache, max-age=7200"}, None, 1.0),
        ({"cache-control": "no-store, max-age=7200"}, None, 1.0),
        ({"cache-control": "max-age=lots"}, None, 1.0),
        ({"expires": "Wed, 04 Mar 2026 15:00:00 GMT", "date": DATE}, None, 3.0),
        ({"expires": "Wed, 04 Mar 2026 15:00:00 GMT"}, None, 3.0),
        ({"expires": "Wed, 04 Mar 2026 15:00:00 GMT", "date": "Wed, 04 Mar 2026 13:00:00 GMT"}, None, 2.0),
        ({"expires": "0"}, None, 1.0),
        ({"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, None, 1.0),
        ({"expires": "Wed, 04 Mar 2026 15:00:00 GMT", "cache-control": "max-age=7200"}, None, 2.0),
        ({"expires": "Wed, 04 Mar 2026 15:00:00 GMT", "cache-control": "no-cache"}, None, 1.0),
        ({"cache-control": "max-age=7200"}, 300, 5.0),
    ],
)
def test_the_next_check_is_the_longest_of_interval_ttl_and_freshness(
    headers: dict[str, str], ttl: int | None, hours: float
) -> None:
    assert compute_next_check(NOW, HOUR, headers, ttl=ttl, jitter=none) == NOW + timedelta(hours=hours)


def test_an_interval_longer_than_a_day_is_kept() -> None:
    assert compute_next_check(NOW, 48 * HOUR, {"cache-control": "max-age=60"}, jitter=none) == NOW + 48 * HOUR


@pytest.mark.parametrize(
    ("hours", "days", "expected"),
    [
        (frozenset({13, 14}), frozenset(), datetime(2026, 3, 4, 15, tzinfo=UTC)),
        (frozenset(), frozenset({"Wednesday"}), datetime(2026, 3, 5, 0, tzinfo=UTC)),
        (frozenset(), frozenset({"wednesday", " Thursday"}), datetime(2026, 3, 6, 0, tzinfo=UTC)),
        (frozenset({13, 0}), frozenset({"Wednesday"}), datetime(2026, 3, 5, 1, tzinfo=UTC)),
        (frozenset({3}), frozenset({"Sunday"}), datetime(2026, 3, 4, 13, 7, tzinfo=UTC)),
        (frozenset(range(24)), frozenset(), datetime(2026, 3, 4, 13, 7, tzinfo=UTC)),
    ],
)
def test_skipped_hours_and_days_push_the_next_check_on(
    hours: frozenset[int], days: frozenset[str], expected: datetime
) -> None:
    now = NOW + timedelta(minutes=7)
    assert compute_next_check(now, HOUR, {}, skip_hours=hours, skip_days=days, jitter=none) == expected


def test_jitter_only_ever_delays_and_by_at_most_a_tenth() -> None:
    assert compute_next_check(NOW, 10 * HOUR, {}, jitter=lambda: 1.0) == NOW + 11 * HOUR


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", "", 120.0),
        (" 120 ", "", 120.0),
        ("0", "", None),
        ("-5", "", None),
        ("1.5", "", None),
        ("soon", "", None),
        ("", "", None),
        ("99999999", "", 7 * 86400.0),
        ("9" * 40, "", None),
        ("Wed, 04 Mar 2026 12:10:00 GMT", "", 600.0),
        ("Wed, 04 Mar 2026 12:10:00 GMT", DATE, 600.0),
        ("Wed, 04 Mar 2026 12:10:00 GMT", "Wed, 04 Mar 2026 12:05:00 GMT", 300.0),
        ("Wednesday, 04-Mar-26 12:10:00 GMT", "", 600.0),
        ("Wed Mar  4 12:10:00 2026", "", 600.0),
        ("Wed, 04 Mar 2026 11:00:00 GMT", "", None),
        ("Wed, 04 Mar 2099 11:00:00 GMT", "", 7 * 86400.0),
        ("Wed, 99 Mar 2026 11:00:00 GMT", "", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_on_the_servers_clock(value: str, date: str, seconds: float | None) -> None:
    assert parse_retry_after({"retry-after": value, "date": date}, NOW) == seconds


def test_without_retry_after_there_is_no_wait() -> None:
    assert parse_retry_after({}, NOW) is None


@given(st.text(max_size=40))
def test_no_date_text_breaks_the_reader(text: str) -> None:
    moment = parse_http_date(text)
    assert moment is None or moment.tzinfo is UTC


@pytest.mark.parametrize(("errors", "hours"), [(0, 1), (1, 1), (2, 2), (3, 4), (7, 64), (8, 72), (1000, 72)])
def test_each_error_in_a_row_doubles_the_wait_up_to_three_days(errors: int, hours: int) -> None:
    assert compute_backoff(NOW, errors, jitter=lambda: 0.5) == NOW + timedelta(hours=hours)


def test_backoff_is_spread_by_a_quarter_to_both_sides() -> None:
    assert compute_backoff(NOW, 3, jitter=lambda: 0.0) == NOW + 3 * HOUR
    assert compute_backoff(NOW, 3, jitter=lambda: 1.0) == NOW + 5 * HOUR


def test_a_wait_the_server_asked_for_is_never_cut_short() -> None:
    assert compute_backoff(NOW, 1, retry_after=7200, jitter=lambda: 0.0) == NOW + 2 * HOUR
    assert compute_backoff(NOW, 5, retry_after=60, jitter=lambda: 0.0) == NOW + 12 * HOUR
