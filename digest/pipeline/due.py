"""What is due by the cadence, computed from what was run; pure functions of configuration, runs and a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from digest.config import Cadence
from digest.models import Run
from digest.periods import Period, get_month_of

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIRST_RETRY, _LAST_RETRY = timedelta(minutes=15), timedelta(hours=6)
_SUCCESS_STATES = ("done", "partial")
_FINAL_STATES = {
    "release": (*_SUCCESS_STATES, "refused")
}  # an issue that autopilot may not publish is a person's from then on


@dataclass(frozen=True, slots=True)
class DueJob:
    """A moment at which a piece of work became due: `fetch` nightly, `refresh` weekly, `draft` monthly for a period.

    `release` and `remind` become due with the draft they follow.
    """

    name: str
    due_at: datetime
    period: Period

    @property
    def stage(self) -> str:
        """The name its runs are kept under."""
        return f"due:{self.name}"


def find_business_day(year: int, month: int, number: int) -> date:
    """The month's nth day from Monday to Friday; holidays are not known here."""
    day = date(year, month, 1)
    while True:
        number -= day.weekday() < 5
        if number == 0:
            return day
        day += timedelta(days=1)


def compute_draft_time(cadence: Cadence, month: Period, zone: tzinfo) -> datetime:
    """When the month after `month` reaches its drafting day, in UTC.

    An hour that a clock change skips stands for the same distance from midnight; one that comes twice is the first.
    """
    following = get_month_of(month.end(zone), zone)
    day = find_business_day(*following.first, cadence.draft_business_day)
    return datetime.combine(day, time(cadence.draft_hour), zone).astimezone(UTC)


def compute_next_draft_time(cadence: Cadence, now: datetime, zone: tzinfo) -> datetime:
    """The first moment later than `now` at which a month is drafted, in UTC."""
    month = _find_previous_month(get_month_of(now, zone), zone)
    while (moment := compute_draft_time(cadence, month, zone)) <= now:
        month = get_month_of(month.end(zone), zone)
    return moment


def list_due_jobs(cadence: Cadence, now: datetime, zone: tzinfo) -> list[DueJob]:
    """The newest moment of each piece of work that is not later than `now`: what was missed before it is gone."""
    month = _find_previous_month(get_month_of(now, zone), zone)
    while (moment := compute_draft_time(cadence, month, zone)) > now:
        month = _find_previous_month(month, zone)
    this = get_month_of(now, zone)
    return [
        DueJob("fetch", _find_latest_time(now, UTC, cadence.fetch_hour_utc), this),
        DueJob(
            "refresh", _find_latest_time(now, zone, cadence.draft_hour, _WEEKDAYS.index(cadence.refresh_weekday)), this
        ),
        *(DueJob(work, moment, month) for work in ("draft", "release", "remind")),
    ]


def compute_next_try(job: DueJob, runs: Sequence[Run], now: datetime) -> datetime | None:
    """When the slot's work is to be tried, `now` or later; None when it was done.

    `runs` are the runs of its stage. After a failure the pause is 15 minutes, then twice as long each time, up to 6
    hours. A run that never ended was killed, and counts as a failure.
    """
    tried = [run for run in runs if run.started >= job.due_at]
    if any(run.state in _FINAL_STATES.get(job.name, _SUCCESS_STATES) for run in tried):
        return None
    if not tried:
        return now
    pause: timedelta = min(_FIRST_RETRY * 2 ** min(len(tried) - 1, 10), _LAST_RETRY)
    last: datetime = max(run.finished or run.started for run in tried)
    return max(now, last + pause)


def _find_latest_time(now: datetime, zone: tzinfo, hour: int, weekday: int | None = None) -> datetime:
    """The newest day at that hour, and of that weekday (0 is Monday) if one is given, in UTC."""
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, time(hour), zone).astimezone(UTC)
        if moment <= now and weekday in (None, day.weekday()):
            return moment
        day -= timedelta(days=1)


def _find_previous_month(month: Period, zone: tzinfo) -> Period:
    return get_month_of(month.start(zone) - timedelta(days=1), zone)
