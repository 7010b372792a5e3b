"""Which jobs the cadence makes due, and when each is tried again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from digest.config.schema import Cadence
from digest.context import Context
from digest.db.issues import find_issue
from digest.db.runs import load_latest_runs
from digest.models.runs import Run
from digest.periods import Period, get_month_of

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIRST_RETRY, _LAST_RETRY = timedelta(minutes=15), timedelta(hours=6)
_SUCCESS_STATES = ("done", "partial")
# An issue that autopilot refuses to release is left to a person.
_FINAL_STATES = {"release": (*_SUCCESS_STATES, "refused")}
_MAX_RUNS = 100  # loaded of a stage; back-off keeps a month's failures below it


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job and when it became due: `fetch` nightly, `refresh` weekly, `draft` monthly for a period.

    `release` and `remind` become due with the draft they follow.
    """

    name: str
    due_at: datetime
    period: Period

    @property
    def stage(self) -> str:
        """The stage that its runs are recorded as."""
        return f"due:{self.name}"


def find_business_day(year: int, month: int, number: int) -> date:
    """Return the month's nth day from Monday to Friday; public holidays count too."""
    day = date(year, month, 1)
    while True:
        number -= day.weekday() < 5
        if number == 0:
            return day
        day += timedelta(days=1)


def compute_draft_time(cadence: Cadence, month: Period, zone: tzinfo) -> datetime:
    """Return when `month` is drafted, in UTC: on a business day of the month after it.

    An hour that a clock change skips is as far from midnight; of an hour that comes twice the first counts.
    """
    following = get_month_of(month.end(zone), zone)
    day = find_business_day(*following.first, cadence.draft_business_day)
    return datetime.combine(day, time(cadence.draft_hour), zone).astimezone(UTC)


def compute_next_draft_time(cadence: Cadence, now: datetime, zone: tzinfo) -> datetime:
    """Return the first time after `now` at which a month is drafted, in UTC."""
    month = _find_previous_month(get_month_of(now, zone), zone)
    while (moment := compute_draft_time(cadence, month, zone)) <= now:
        month = get_month_of(month.end(zone), zone)
    return moment


def list_due_jobs(cadence: Cadence, now: datetime, zone: tzinfo) -> list[DueJob]:
    """List each job with the newest time up to `now` at which it became due; earlier times are not made up for."""
    month = _find_previous_month(get_month_of(now, zone), zone)
    while (moment := compute_draft_time(cadence, month, zone)) > now:
        month = _find_previous_month(month, zone)
    current_month = get_month_of(now, zone)
    refresh_time = _find_latest_time(now, zone, cadence.draft_hour, _WEEKDAYS.index(cadence.refresh_weekday))
    return [
        DueJob("fetch", _find_latest_time(now, UTC, cadence.fetch_hour_utc), current_month),
        DueJob("refresh", refresh_time, current_month),
        *(DueJob(name, moment, month) for name in ("draft", "release", "remind")),
    ]


def compute_next_try(job: DueJob, runs: Sequence[Run], now: datetime) -> datetime | None:
    """Return when to try a job, `now` or later; None when it is done.

    `runs` are the runs of its stage. After a failure the pause is 15 minutes and doubles each time, up to 6 hours.
    A run that never ended was killed, and counts as a failure.
    """
    tries = [run for run in runs if run.started >= job.due_at]
    if any(run.state in _FINAL_STATES.get(job.name, _SUCCESS_STATES) for run in tries):
        return None
    if not tries:
        return now
    pause: timedelta = min(_FIRST_RETRY * 2 ** min(len(tries) - 1, 10), _LAST_RETRY)
    last: datetime = max(run.finished or run.started for run in tries)
    return max(now, last + pause)


def _find_latest_time(now: datetime, zone: tzinfo, hour: int, weekday: int | None = None) -> datetime:
    """Return the newest time at that hour, and on that weekday (0 is Monday) if one is given, in UTC."""
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, time(hour), zone).astimezone(UTC)
        if moment <= now and weekday in (None, day.weekday()):
            return moment
        day -= timedelta(days=1)


def _find_previous_month(month: Period, zone: tzinfo) -> Period:
    return get_month_of(month.start(zone) - timedelta(days=1), zone)


def find_pending_jobs(context: Context) -> Iterator[tuple[DueJob, datetime]]:
    """Yield each job that is not done, with the time of its next try.

    Jobs are read one by one, so that each sees the draft that an earlier one wrote.
    """
    cadence = context.config.cadence
    for job in list_due_jobs(cadence, context.now, context.zone):
        with context.db.read() as session:
            runs = load_latest_runs(session, _MAX_RUNS, job.stage)
            drafts = load_latest_runs(session, _MAX_RUNS, "due:draft")
            issue = find_issue(session, job.period.name)
        draft_outcome = next((run.state for run in drafts if run.started >= job.due_at), "")
        next_try = compute_next_try(job, runs, context.now)
        if next_try is not None and _is_needed(job, cadence, issue.state if issue else "", draft_outcome):
            yield job, next_try


def _is_needed(job: DueJob, cadence: Cadence, issue_state: str, draft_outcome: str) -> bool:
    if job.name == "draft":
        return issue_state in ("", "draft")
    if job.name == "release":
        return cadence.autopilot and draft_outcome == "done" and issue_state != "sent"
    if job.name == "remind":
        return bool(cadence.remind) and draft_outcome in _SUCCESS_STATES and issue_state == "draft"
    return True
