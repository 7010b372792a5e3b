"""`run`: from fetch to draft in one go. A person approves; nothing is published or sent here."""

from __future__ import annotations

from collections.abc import Sequence

from digest.errors import ConfigError, DigestError, Refused
from digest.periods import Period
from digest.pipeline import red
from digest.pipeline.alert import alert
from digest.pipeline.context import Context, recorded
from digest.pipeline.draft import draft
from digest.pipeline.fetch import fetch
from digest.pipeline.judge import judge
from digest.pipeline.rank import rank
from digest.pipeline.tag import tag
from digest.pipeline.taste import learn
from digest.pipeline.waiting import wait_for
from digest.ports import Report


def run(context: Context, period: Period, *, accept_gaps: bool = False, max_usd: float | None = None) -> Report:
    """Fetch what is due, tag, learn from past picks, rank, judge with a model if there is one, and draft the period.

    Red runs draft nothing: Refused when half the sources could not be read, the model was down, or nothing is where
    there always was something, unless `accept_gaps`. A source that fell silent leaves the run partial. Both alert.
    What models cost in all of it stays below `max_usd`. Raises ConfigError for what is no month.
    """
    if period.kind != "monthly":
        raise ConfigError(f"{period} is no month", f"`digest recap {period}` drafts its review from the months")
    try:
        with recorded(context, "run", period.name) as report:
            _run(context, period, report, accept_gaps=accept_gaps, max_usd=max_usd)
    except DigestError as error:
        if trouble := alert(context, f"the run of {period} failed", [error.message, error.hint]):
            error.hint += f"; {trouble}"
        raise
    if report.state != "done" and (trouble := alert(context, f"the run of {period} is partial", report.problems)):
        report.problems = [*report.problems, trouble]
    return report


def _run(context: Context, period: Period, report: Report, *, accept_gaps: bool, max_usd: float | None) -> None:
    fetched = wait_for(fetch(context))
    stages = [fetched, tag(context)]
    reasons = red.unreached(context)
    _go_on(reasons, accept_gaps)
    learn(context)
    stages.append(rank(context, period))
    reasons += red.emptied(context, period)
    _go_on(reasons, accept_gaps)
    judged = judge(context, period, max_usd=max_usd)
    stages.append(judged)
    reasons += red.model_down(context, judged)
    _go_on(reasons, accept_gaps)
    if judged.numbers:
        stages.append(rank(context, period))
    stages.append(draft(context, period, max_usd=max_usd))
    silent = [f"{name} has been silent for {days} days" for name, days in fetched.numbers["silent"].items()]
    gaps = [*red.failed_before(context, fetched), *silent, *(f"{reason} (accepted)" for reason in reasons)]
    report.state = "partial" if gaps or any(stage.state != "done" for stage in stages) else "done"
    report.line = "; ".join(stage.line for stage in stages)
    report.numbers = {stage.stage: stage.numbers for stage in stages}
    report.problems = [problem for stage in stages for problem in stage.problems] + gaps


def _go_on(reasons: Sequence[str], accept_gaps: bool) -> None:
    if reasons and not accept_gaps:
        raise Refused(
            "nothing was drafted: " + "; ".join(reasons),
            "`digest doctor --sources` says what ails; then run it again, or with --accept-gaps",
        )
