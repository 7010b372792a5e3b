"""Run each job that the cadence makes due, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from digest.context import Context, record_run
from digest.db.locks import hold_lock
from digest.db.sources import load_source_states
from digest.errors import DigestError
from digest.ingest.radar import fetch_with_radar
from digest.mail.notifications import send_alert, send_reminder
from digest.ops.autopilot import release_issue
from digest.ops.cadence import DueJob, find_pending_jobs
from digest.ops.health import find_source_outage
from digest.ops.run import run_pipeline
from digest.protocols import Report
from digest.publishing.refresh import refresh_issues
from digest.ranking.stage import rank_period
from digest.tagging.stage import tag_items

_RECENT = timedelta(hours=1)


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
    _add_stage_report(report, fetch_with_radar(context))
    _add_stage_report(report, tag_items(context))
    _require_success(context, report)


def _run_refresh(context: Context, job: DueJob, report: Report) -> None:
    """Fetch and rank the current month again, and check published works; errata are only proposed."""
    if names := _find_sources_not_fetched_recently(context):
        _add_stage_report(report, fetch_with_radar(context, names, force=True))
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
