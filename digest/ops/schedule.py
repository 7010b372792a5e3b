"""Which jobs the cadence makes due, and running each of them once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from digest.aio import run_sync
from digest.config.schema import Cadence
from digest.context import Context, record_run
from digest.db.issues import find_issue
from digest.db.locks import hold_lock
from digest.db.runs import load_latest_runs
from digest.db.sources import load_source_states
from digest.errors import DigestError
from digest.ingest.fetch import fetch_sources
from digest.mail.notifications import send_alert, send_reminder
from digest.models.runs import Run
from digest.ops.autopilot import release_issue
from digest.ops.health import find_source_outage
from digest.ops.run import run_pipeline
from digest.periods import Period, get_month_of
from digest.protocols import Report
from digest.publishing.refresh import refresh_issues
from digest.ranking.stage import rank_period
from digest.tagging.stage import tag_items

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIRST_RETRY, _LAST_RETRY = timedelta(minutes=15), timedelta(hours=6)
_SUCCESS_STATES = ("done", "partial")
# An issue that autopilot refuses to release is left to a person.
_FINAL_STATES = {"release": (*_SUCCESS_STATES, "refused")}
_MAX_RUNS = 100  # loaded of a stage; back-off keeps a month's failures below it
_RECENT = timedelta(hours=1)


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


def run_due(context: Context) -> list[Report]:
    """Run the jobs that are due, in order; a failure becomes a report and an alert.

    Returns no reports when another process of the workspace is running them.
    """
    with hold_lock(context.db, "schedule") as is_held:
        if not is_held:
            return []
        return [_run_job(context, job) for job, next_try in find_pending_jobs(context) if next_try <= context.now]


def without_autopilot(context: Context) -> Context:
    """Return the context with `cadence.autopilot` off, so that only a person publishes and sends."""
    cadence = context.config.cadence.model_copy(update={"autopilot": False})
    return replace(context, config=context.config.model_copy(update={"cadence": cadence}))


def combine_reports(reports: Sequence[Report]) -> Report:
    """Combine the reports of the jobs into one."""
    total = Report("run", "" if reports else "nothing is due, or another process is running it")
    for report in reports:
        _add_stage_report(total, report)
    return total


def _run_job(context: Context, job: DueJob) -> Report:
    """Run a job; the report of a failed one keeps what was done before."""
    report = Report(job.stage, "")
    try:
        with record_run(context, job.stage, job.period.name) as report:
            _JOB_RUNNERS[job.name](context, job, report)
    except DigestError as error:
        problems = [error.hint]
        if job.name != "draft":  # `run` has sent an alert
            problems += filter(None, [send_alert(context, f"{job.name} failed", [error.message, error.hint])])
        report.line = "; ".join(dict.fromkeys(filter(None, [report.line, error.message])))
        report.state, report.problems = "failed", problems
    return report


def _run_fetch(context: Context, job: DueJob, report: Report) -> None:
    _add_stage_report(report, run_sync(fetch_sources(context)))
    _add_stage_report(report, tag_items(context))
    _require_success(context, report)


def _run_refresh(context: Context, job: DueJob, report: Report) -> None:
    """Fetch and rank the current month again, and check published works; errata are only proposed."""
    if names := _find_sources_not_fetched_recently(context):
        _add_stage_report(report, run_sync(fetch_sources(context, names, force=True)))
    _add_stage_report(report, tag_items(context))
    _add_stage_report(report, rank_period(context, job.period))
    refresh_report = refresh_issues(context)
    if errata := refresh_report.numbers["errata"]:
        changes = (f"{each['period']} {each['key']}: {each['before']} → {each['after']}" for each in errata)
        refresh_report.line += f" ({'; '.join(changes)}); apply them with `digest refresh --apply`"
    _add_stage_report(report, refresh_report)
    _require_success(context, report)


def _find_sources_not_fetched_recently(context: Context) -> list[str]:
    """Return the enabled sources without those that the nightly fetch has just read."""
    enabled = [source.id for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        states = load_source_states(session, enabled)
    since = context.now - _RECENT
    recent = {name for name, state in states.items() if state.last_checked and state.last_checked > since}
    return [name for name in enabled if name not in recent]


def _require_success(context: Context, report: Report) -> None:
    """Raise DigestError, so that the job is tried again, when it failed or half the sources are unreachable.

    The next try skips a source whose own pause is longer.
    """
    if reasons := find_source_outage(context):
        hint = "`digest status` shows each error, `digest doctor --sources` fetches again"
        raise DigestError("; ".join(reasons), hint)
    if report.state == "failed":
        raise DigestError(report.line, "; ".join(report.problems[:3]))


def _run_draft(context: Context, job: DueJob, report: Report) -> None:
    _add_stage_report(report, run_pipeline(context, job.period))
    if not (context.config.cadence.autopilot and report.state == "done"):
        report.line += f"; waits for `digest approve {job.period}`"


def _run_release(context: Context, job: DueJob, report: Report) -> None:
    for stage_report in release_issue(context, job.period):
        _add_stage_report(report, stage_report)


def _run_reminder(context: Context, job: DueJob, report: Report) -> None:
    _add_stage_report(report, send_reminder(context, job.period))


def _add_stage_report(total: Report, stage: Report) -> None:
    total.line = f"{total.line}; {stage.line}" if total.line else stage.line
    total.numbers[stage.stage] = stage.numbers
    total.problems = [*total.problems, *stage.problems]
    total.state = max(total.state, stage.state, key=("done", "partial", "failed").index)


_JOB_RUNNERS: dict[str, Callable[[Context, DueJob, Report], None]] = {
    "fetch": _run_fetch,
    "refresh": _run_refresh,
    "draft": _run_draft,
    "release": _run_release,
    "remind": _run_reminder,
}
