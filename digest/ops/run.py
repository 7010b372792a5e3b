"""Run every stage from fetch to draft. A person approves the draft."""

from __future__ import annotations

from collections.abc import Sequence

from digest.context import Context, record_run
from digest.drafts.stage import draft_issue
from digest.errors import CheckFailedError, ConfigError, DigestError, EmptyPeriodError
from digest.ingest.coverage import complete_period, describe_missing_days
from digest.ingest.radar import fetch_with_radar, refresh_radar
from digest.ingest.staleness import describe_stale_sources, find_sources_stale_at_end
from digest.mail.notifications import send_alert
from digest.ops.health import find_earlier_failures, find_missing_content, find_model_outage, find_source_outage
from digest.periods import Period
from digest.protocols import Report
from digest.ranking.stage import learn_preferences, rank_period
from digest.tagging.grade import grade_candidates
from digest.tagging.stage import tag_items


def run_pipeline(
    context: Context, period: Period, *, accept_gaps: bool = False, max_usd: float | None = None
) -> Report:
    """Fetch, backfill what is missing of the month, tag, learn from past picks, rank, grade with a model, and draft.

    Unless `accept_gaps`, raises CheckFailedError without a draft when half the sources or days of arXiv could not be
    read, the model was unavailable, or content is missing. A silent source makes the run partial. Both send an alert.
    Models cost at most `max_usd` in all stages together.
    """
    if period.kind != "monthly":
        raise ConfigError(f"{period} is not a month", f"draft a review of it with `digest recap {period}`")
    try:
        with record_run(context, "run", period.name) as report:
            _run_stages(context, period, report, accept_gaps=accept_gaps, max_usd=max_usd)
    except DigestError as error:
        if alert_problem := send_alert(context, f"the run of {period} failed", [error.message, error.hint]):
            error.hint += f"; {alert_problem}"
        raise
    if report.state != "done":
        alert_problem = send_alert(context, f"the run of {period} is partial", report.problems)
        report.problems = [*report.problems, *filter(None, [alert_problem])]
    return report


def _run_stages(context: Context, period: Period, report: Report, *, accept_gaps: bool, max_usd: float | None) -> None:
    fetch_report = fetch_with_radar(context)
    reasons = find_source_outage(context)
    _require_healthy(reasons, accept_gaps)
    coverage_reports, unread_days = complete_period(context, period)
    reasons += describe_missing_days(unread_days, period)
    refresh_radar(context, period)
    stages = [fetch_report, *coverage_reports, tag_items(context)]
    _require_healthy(reasons, accept_gaps)
    learn_preferences(context)
    stages.append(rank_period(context, period))
    if not stages[-1].numbers["candidates"] and not accept_gaps:
        raise EmptyPeriodError(
            f"{period} holds no items: no draft was written",
            f"run `digest backfill {period}` for arXiv, or `digest add`; `digest doctor --sources` tests the sources",
        )
    reasons += find_missing_content(context, period)
    _require_healthy(reasons, accept_gaps)
    grade_report = grade_candidates(context, period, max_usd=max_usd)
    stages.append(grade_report)
    reasons += find_model_outage(context, grade_report)
    _require_healthy(reasons, accept_gaps)
    if grade_report.numbers:
        stages.append(rank_period(context, period))
    stages.append(draft_issue(context, period, accept_gaps=True, max_usd=max_usd))
    with context.db.read() as session:
        silent = describe_stale_sources(context, find_sources_stale_at_end(context, session, period), period)
    gaps = [*find_earlier_failures(context, fetch_report), *silent, *(f"{reason} (accepted)" for reason in reasons)]
    report.state = "partial" if gaps or any(stage.state != "done" for stage in stages) else "done"
    report.line = "; ".join(stage.line for stage in stages)
    report.numbers = {stage.stage: stage.numbers for stage in stages}
    report.problems = [problem for stage in stages for problem in stage.problems] + gaps


def _require_healthy(reasons: Sequence[str], accept_gaps: bool) -> None:
    if reasons and not accept_gaps:
        raise CheckFailedError(
            "no draft was written: " + "; ".join(reasons),
            "run `digest doctor --sources` to see what is wrong; --accept-gaps drafts anyway",
        )
