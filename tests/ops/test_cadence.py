"""What is due follows the cadence through clock changes, leap days, short months and long sleeps, and is done once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.config.schema import Cadence
from digest.models.runs import Run
from digest.ops.cadence import (
    DueJob,
    compute_draft_time,
    compute_next_draft_time,
    compute_next_try,
    find_business_day,
    list_due_jobs,
)
from digest.periods import Period

MADRID = ZoneInfo("Europe/Madrid")
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")]
START = datetime(2020, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 15 * 365 * 24 * 3600).map(lambda seconds: START + timedelta(seconds=seconds))
CADENCES = st.builds(
    Cadence,
    fetch_hour_utc=st.integers(0, 23),
    draft_hour=st.integers(0, 23),
    draft_business_day=st.integers(1, 20),
    refresh_weekday=st.sampled_from(["mon", "wed", "sun"]),
)


def run(started: datetime, state: str = "done") -> Run:
    return Run(stage="x", started=started, finished=started + timedelta(minutes=2), state=state)


@pytest.mark.parametrize(
    ("year", "month", "number", "day"),
    [(2026, 8, 1, 3), (2026, 8, 3, 5), (2026, 11, 3, 4), (2024, 2, 20, 28), (2026, 5, 1, 1)],
)
def test_business_days_skip_weekends(year: int, month: int, number: int, day: int) -> None:
    assert find_business_day(year, month, number) == date(year, month, day)


def test_the_draft_keeps_its_local_hour_through_a_clock_change() -> None:
    cadence = Cadence(draft_business_day=3, draft_hour=8)
    winter = compute_next_draft_time(cadence, datetime(2026, 3, 1, tzinfo=UTC), MADRID)
    summer = compute_next_draft_time(cadence, winter, MADRID)
    assert (winter, summer) == (datetime(2026, 3, 4, 7, tzinfo=UTC), datetime(2026, 4, 3, 6, tzinfo=UTC))


def test_december_leads_to_january_and_a_leap_day_is_a_day() -> None:
    assert compute_next_draft_time(Cadence(), datetime(2026, 12, 31, 23, tzinfo=UTC), MADRID).date() == date(2027, 1, 5)
    leap = datetime(2024, 2, 29, 7, tzinfo=UTC)
    assert list_due_jobs(Cadence(fetch_hour_utc=6), leap, MADRID)[0].due_at == datetime(2024, 2, 29, 6, tzinfo=UTC)
    assert compute_draft_time(Cadence(), Period((2024, 2), (2024, 2)), MADRID) == datetime(2024, 3, 5, 7, tzinfo=UTC)


@given(CADENCES, MOMENTS, st.sampled_from(ZONES))
def test_slots_are_past_newest_and_of_the_month_before(cadence: Cadence, now: datetime, zone: ZoneInfo) -> None:
    fetch, refresh, draft, release, remind = list_due_jobs(cadence, now, zone)
    assert now - timedelta(days=1) < fetch.due_at <= now
    assert now - timedelta(days=8) < refresh.due_at <= now
    assert draft.due_at <= now < compute_next_draft_time(cadence, now, zone)
    assert draft.period.end(zone) <= draft.due_at
    assert [(slot.due_at, slot.period) for slot in (release, remind)] == [(draft.due_at, draft.period)] * 2
    assert compute_next_draft_time(cadence, draft.due_at - timedelta(seconds=1), zone) == draft.due_at


@given(CADENCES, MOMENTS, st.sampled_from(ZONES))
def test_every_month_is_drafted_exactly_once_a_year(cadence: Cadence, now: datetime, zone: ZoneInfo) -> None:
    seen, moment = [], compute_next_draft_time(cadence, now, zone)
    for _ in range(12):
        seen.append(list_due_jobs(cadence, moment, zone)[2].period)
        moment = compute_next_draft_time(cadence, moment, zone)
    assert len(set(seen)) == 12
    assert seen == sorted(seen)


def test_a_machine_asleep_for_a_week_catches_up_once() -> None:
    cadence, awake = Cadence(), datetime(2026, 3, 11, 12, tzinfo=UTC)
    before = [run(awake - timedelta(days=8))]
    for slot in list_due_jobs(cadence, awake, MADRID):
        assert compute_next_try(slot, before, awake) == awake
        assert compute_next_try(slot, [*before, run(awake)], awake + timedelta(minutes=5)) is None


def test_a_failure_is_tried_again_ever_more_slowly_until_it_ends_well() -> None:
    start = datetime(2026, 3, 4, 8, tzinfo=UTC)
    slot = DueJob("draft", start, Period((2026, 2), (2026, 2)))
    tried: list[Run] = []
    now, pauses = start, []
    for _ in range(8):
        tried.append(run(now, "refused"))
        again = compute_next_try(slot, tried, now)
        assert again is not None
        pauses.append(round((again - now).total_seconds() / 60))
        now = again
    assert pauses == [17, 32, 62, 122, 242, 362, 362, 362]
    assert compute_next_try(slot, [*tried, run(now, "partial")], now) is None


def test_a_run_that_was_killed_counts_as_a_failure() -> None:
    start = datetime(2026, 3, 4, 8, tzinfo=UTC)
    killed = Run(stage="x", started=start, state="running")
    slot = DueJob("fetch", start, Period((2026, 3), (2026, 3)))
    assert compute_next_try(slot, [killed], start + timedelta(minutes=1)) == start + timedelta(minutes=15)
