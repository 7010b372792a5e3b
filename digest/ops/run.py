"""`run`: from fetch to draft in one go. A person approves; nothing is published or sent here."""

from __future__ import annotations

from collections.abc import Sequence

from digest.aio import run_sync
from digest.context import Context, record_run
from digest.drafts.stage import draft_issue
from digest.errors import CheckFailedError, ConfigError, DigestError
from digest.ingest.fetch import fetch_sources
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
    """Fetch what is due, tag, learn from past picks, rank, judge with a model if there is one, and draft the period.

    Red runs draft nothing: Refused when half the sources could not be read, the model was down, or nothing is where
    there always was something, unless `accept_gaps`. A source that fell silent leaves the run partial. Both alert.
    What models cost in all of it stays below `max_usd`. Raises ConfigError for what is no month.
    """
    if period.kind != "monthly":
        raise ConfigError(f"{period} is no month", f"`digest recap {period}` drafts its review from the months")
    try:
        with record_run(context, "run", period.name) as report:
            _run_stages(context, period, report, accept_gaps=accept_gaps, max_usd=max_usd)
    except DigestError as error:
        if trouble := send_alert(context, f"the run of {period} failed", [error.message, error.hint]):
            error.hint += f"; {trouble}"
        raise
    if report.state != "done" and (trouble := send_alert(context, f"the run of {period} is partial", report.problems)):
        report.problems = [*report.problems, trouble]
    return report


def _run_stages(context: Context, period: Period, report: Report, *, accept_gaps: bool, max_usd: float | None) -> None:
    fetched = run_sync(fetch_sources(context))
    stages = [fetched, tag_items(context)]
    reasons = find_source_outage(context)
    _require_healthy(reasons, accept_gaps)
    learn_preferences(context)
    stages.append(rank_period(context, period))
    reasons += find_missing_content(context, period)
    _require_healthy(reasons, accept_gaps)
    judged = grade_candidates(context, period, max_usd=max_usd)
    stages.append(judged)
    reasons += find_model_outage(context, judged)
    _require_healthy(reasons, accept_gaps)
    if judged.numbers:
        stages.append(rank_period(context, period))
    stages.append(draft_issue(context, period, max_usd=max_usd))
    silent = [f"{name} has been silent for {days} days" for name, days in fetched.numbers["silent"].items()]
    gaps = [*find_earlier_failures(context, fetched), *silent, *(f"{reason} (accepted)" for reason in reasons)]
    report.state = "partial" if gaps or any(stage.state != "done" for stage in stages) else "done"
    report.line = "; ".join(stage.line for stage in stages)
    report.numbers = {stage.stage: stage.numbers for stage in stages}
    report.problems = [problem for stage in stages for problem in stage.problems] + gaps


def _require_healthy(reasons: Sequence[str], accept_gaps: bool) -> None:
    if reasons and not accept_gaps:
        raise CheckFailedError(
            "nothing was drafted: " + "; ".join(reasons),
            "`digest doctor --sources` says what ails; then run it again, or with --accept-gaps",
        )
