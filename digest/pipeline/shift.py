"""One shift: does what is due and no more. Cron calls it, the scheduler calls it, and two at a time do it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from digest.errors import DigestError
from digest.pipeline.alert import send_alert
from digest.pipeline.context import Context, record_run
from digest.pipeline.due import DueJob
from digest.pipeline.fetch import fetch_sources
from digest.pipeline.notices import send_reminder
from digest.pipeline.pending import find_pending_jobs
from digest.pipeline.rank import rank_period
from digest.pipeline.red import find_source_outage
from digest.pipeline.refresh import refresh_issues
from digest.pipeline.release import release_issue
from digest.pipeline.run import run_pipeline
from digest.pipeline.tag import tag_items
from digest.pipeline.waiting import run_sync
from digest.ports import Report
from digest.store import sources as source_store
from digest.store.leases import hold_lock

_RECENT = timedelta(hours=1)


def run_due(context: Context) -> list[Report]:
    """Do what is due now, in order; a failure is a report and an alert, and does not stop the rest.

    Does nothing, and says so in an empty list, when another process of the workspace is at it.
    """
    with hold_lock(context.db, "schedule", context.clock) as ours:
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
        states = source_store.load_source_states(session, enabled)
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
