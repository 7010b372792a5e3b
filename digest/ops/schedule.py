"""What is due by the cadence, and doing it once.

One shift: does what is due and no more. Cron calls it, the scheduler calls it, and two at a time do it once.

What is due by the cadence, computed from what was run; pure functions of configuration, runs and a moment.

What of the cadence's work is still to be done, by what was run and by the state of the issue. Reads only.
"""

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


_MAX_RUNS = 100  # runs of a stage that are looked at; back-off keeps a month's failures below it


def find_pending_jobs(context: Context) -> Iterator[tuple[DueJob, datetime]]:
    """Each piece of work that is not done for its newest slot, with the moment from which to try it.

    One after the other, so that a draft made meanwhile is seen by what follows it.
    """
    for slot in list_due_jobs(context.config.cadence, context.now, context.zone):
        with context.db.read() as session:
            tried = load_latest_runs(session, _MAX_RUNS, slot.stage)
            drafted = next(
                (r.state for r in load_latest_runs(session, _MAX_RUNS, "due:draft") if r.started >= slot.due_at),
                "",
            )
            issue = find_issue(session, slot.period.name)
        state = issue.state if issue else ""
        moment = compute_next_try(slot, tried, context.now)
        if moment is not None and _NEEDED_BY_JOB.get(slot.name, _is_always_needed)(
            context.config.cadence, state, drafted
        ):
            yield slot, moment


def _is_always_needed(cadence: Cadence, state: str, drafted: str) -> bool:
    return True


# Whether work is wanted, by the cadence, the issue's state ("" before there is one) and how the due draft ended.
_NEEDED_BY_JOB: dict[str, Callable[[Cadence, str, str], bool]] = {
    "draft": lambda cadence, state, drafted: state in ("", "draft"),
    "release": lambda cadence, state, drafted: cadence.autopilot and drafted == "done" and state != "sent",
    "remind": lambda cadence, state, drafted: (
        bool(cadence.remind) and drafted in ("done", "partial") and state == "draft"
    ),
}


_RECENT = timedelta(hours=1)


def run_due(context: Context) -> list[Report]:
    """Do what is due now, in order; a failure is a report and an alert, and does not stop the rest.

    Does nothing, and says so in an empty list, when another process of the workspace is at it.
    """
    with hold_lock(context.db, "schedule") as ours:
        if not ours:
            return []
        return [_run_job(context, slot) for slot, moment in find_pending_jobs(context) if moment <= context.now]


def without_autopilot(context: Context) -> Context:
    """The same workspace without `cadence.autopilot`: nothing in it is published or sent but by a person."""
    cadence = context.config.cadence.model_copy(update={"autopilot": False})
    return replace(context, config=context.config.model_copy(update={"cadence": cadence}))


def combine_reports(reports: Sequence[Report]) -> Report:
    """What a shift did, as one report."""
    whole = Report("run", "" if reports else "nothing is due, or another process is at it")
    for report in reports:
        _add_stage_report(whole, report)
    return whole


def _run_job(context: Context, job: DueJob) -> Report:
    """Do one piece of work. When it fails, what was done before that stands in the report too."""
    report = Report(job.stage, "")
    try:
        with record_run(context, job.stage, job.period.name) as report:
            _JOB_RUNNERS[job.name](context, job, report)
    except DigestError as error:
        trouble = "" if job.name == "draft" else send_alert(context, f"{job.name} failed", [error.message, error.hint])
        problems = [error.hint, *filter(None, [trouble])]  # `run` has told the webhook itself
        report.line = "; ".join(dict.fromkeys(filter(None, [report.line, error.message])))
        report.state, report.problems = "failed", problems
    return report


def _run_fetch(context: Context, job: DueJob, report: Report) -> None:
    _add_stage_report(report, run_sync(fetch_sources(context)))
    _add_stage_report(report, tag_items(context))
    _require_success(context, report)


def _run_refresh(context: Context, job: DueJob, report: Report) -> None:
    """The month under way, asked for and ranked anew; what was published, looked at again: errata are only proposed."""
    if names := _find_sources_not_fetched_recently(context):
        _add_stage_report(report, run_sync(fetch_sources(context, names, force=True)))
    _add_stage_report(report, tag_items(context))
    _add_stage_report(report, rank_period(context, job.period))
    again = refresh_issues(context)
    if proposed := again.numbers["errata"]:
        told = (f"{one['period']} {one['key']}: {one['before']} → {one['after']}" for one in proposed)
        again.line += f" ({'; '.join(told)}); `digest refresh --apply` puts them in"
    _add_stage_report(report, again)
    _require_success(context, report)


def _find_sources_not_fetched_recently(context: Context) -> list[str]:
    """The sources that are due or not: after a sleep of the machine the nightly fetch has just asked most of them."""
    enabled = [source.id for source in context.config.sources if source.enabled]
    with context.db.read() as session:
        states = load_source_states(session, enabled)
    asked = {
        name for name, state in states.items() if state.last_checked and state.last_checked > context.now - _RECENT
    }
    return [name for name in enabled if name not in asked]


def _require_success(context: Context, report: Report) -> None:
    """Raise DigestError when it failed, or half the sources are out of reach: then it is tried again.

    A source that failed is not asked by the next try if its own pause is longer, which makes that try no better.
    """
    if reasons := find_source_outage(context):
        raise DigestError(
            "; ".join(reasons), "`digest status` names each trouble, `digest doctor --sources` asks again"
        )
    if report.state == "failed":
        raise DigestError(report.line, "; ".join(report.problems[:3]))


def _run_draft(context: Context, job: DueJob, report: Report) -> None:
    _add_stage_report(report, run_pipeline(context, job.period))
    if not (context.config.cadence.autopilot and report.state == "done"):
        report.line += f"; waits for `digest approve {job.period}`"


def _run_release(context: Context, job: DueJob, report: Report) -> None:
    for stage in release_issue(context, job.period):
        _add_stage_report(report, stage)


def _run_reminder(context: Context, job: DueJob, report: Report) -> None:
    _add_stage_report(report, send_reminder(context, job.period))


def _add_stage_report(total: Report, stage: Report) -> None:
    """Let a stage speak in the whole's report."""
    total.line = f"{total.line}; {stage.line}" if total.line else stage.line
    total.numbers[stage.stage] = stage.numbers
    total.problems = [*total.problems, *stage.problems]
    total.state = max(total.state, stage.state, key=("done", "partial", "failed").index)


_JOB_RUNNERS = {
    "fetch": _run_fetch,
    "refresh": _run_refresh,
    "draft": _run_draft,
    "release": _run_release,
    "remind": _run_reminder,
}
