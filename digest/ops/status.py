"""Describe sources, due jobs, runs and issues for `status` and `runs`. Reads only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest.context import Context
from digest.db.issues import count_picked_items, load_issues_with_pick_counts
from digest.db.items import count_all_items_by_source, count_items
from digest.db.runs import (
    OUTCOMES,
    count_unexplained,
    load_last_ended_run,
    load_latest_runs,
    load_latest_source_results,
    load_source_results,
)
from digest.db.sources import load_source_states
from digest.errors import NotFoundError
from digest.ingest.staleness import find_stale_sources
from digest.models.items import FetchState
from digest.models.runs import Run, SourceResultRow
from digest.ops.cadence import compute_next_draft_time, find_pending_jobs
from digest.periods import get_month_of
from digest.text import format_count

_HOST = re.compile(r"\bthe host \S+")


@dataclass(frozen=True, slots=True)
class DueRow:
    """A job of the cadence: due since `at`, waiting for its next try, or the next of all."""

    work: str
    period: str
    state: str  # due, waits or next
    at: str


@dataclass(frozen=True, slots=True)
class IssueRow:
    """An issue and how many picks it has."""

    period: str
    kind: str
    state: str
    picks: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _FetchRow:
    """What a run found at a source, as numbers and as text; `next` is its next check."""

    id: str
    state: str
    counts: str = ""
    took: str = ""
    found: int = 0
    new: int = 0
    revised: int = 0
    unchanged: int = 0
    duplicate: int = 0
    rejected: int = 0
    failed: int = 0
    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    next: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow(_FetchRow):
    """A source with its newest result."""

    kind: str = ""
    enabled: bool = True
    items: int = 0
    checked: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceResultDetails(_FetchRow):
    """What one run found at a source; `unexplained` counts items without an outcome."""

    unexplained: int = 0
    hint: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run and how it ended."""

    id: int
    stage: str
    period: str | None
    state: str
    started: str
    seconds: float | None
    line: str


@dataclass(frozen=True, slots=True)
class RunDetails(RunRow):
    """A run with its reason, numbers, problems and results by source."""

    finished: str = ""
    reason: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    sources: list[SourceResultDetails] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that `digest status` shows; `last` holds the run that ended last, if any."""

    line: str
    totals: dict[str, int]
    due: list[DueRow]
    last: list[RunRow]
    sources: list[SourceRow]
    issues: list[IssueRow]


def load_status(context: Context) -> Status:
    """Load totals, due jobs, the last run, a row a source and a row an issue."""
    with context.db.read() as session:
        stale_days = {name: stale.days for name, stale in find_stale_sources(context, session).items()}
        sources = _load_source_rows(context, session, stale_days)
        issues = [
            IssueRow(issue.period, issue.kind, issue.state, picks, issue.title)
            for issue, picks in load_issues_with_pick_counts(session)
        ]
        item_count, pick_count = count_items(session), count_picked_items(session)
        last = [RunRow(**_describe_run(run)) for run in load_last_ended_run(session)]
    totals = {
        "items": item_count,
        "issues": len(issues),
        "published": sum(issue.state in ("published", "sent") for issue in issues),
        "picks": pick_count,
    }
    line = f"{format_count(item_count, 'item')} from {format_count(len(sources), 'source')}, "
    line += f"{format_count(totals['picks'], 'pick')} in {format_count(len(issues), 'issue')}"
    if failing := sum(bool(source.error) for source in sources):
        line += f"; {format_count(failing, 'source')} failing"
    return Status(line, totals, load_due_rows(context), last, sources, issues)


def group_by_error(errors: Mapping[str, str]) -> dict[str, list[str]]:
    """Group sources by their error, which then leaves out the host's name where several share it."""
    sources_by_error: defaultdict[str, list[str]] = defaultdict(list)
    for source, error in errors.items():
        sources_by_error[_HOST.sub("the host", error)].append(source)
    return {errors[names[0]] if len(names) == 1 else error: names for error, names in sources_by_error.items()}


def load_due_rows(context: Context) -> list[DueRow]:
    """List the jobs that are due or wait for their next try, then the next draft."""

    def row(name: str, period: str, state: str, moment: datetime) -> DueRow:
        return DueRow(name, period, state, f"{moment.astimezone(context.zone):%Y-%m-%d %H:%M %Z}")

    rows = [
        row(job.name, job.period.name, "waits", next_try)
        if next_try > context.now
        else row(job.name, job.period.name, "due", job.due_at)
        for job, next_try in find_pending_jobs(context)
    ]
    next_draft = compute_next_draft_time(context.config.cadence, context.now, context.zone)
    month = get_month_of(next_draft.astimezone(context.zone).replace(day=1) - timedelta(days=1), context.zone)
    return [*rows, row("draft", month.name, "next", next_draft)]


def load_run_rows(context: Context, limit: int) -> list[RunRow]:
    """Load the newest runs, newest first."""
    with context.db.read() as session:
        return [RunRow(**_describe_run(run)) for run in load_latest_runs(session, limit)]


def explain_run(context: Context, number: int) -> RunDetails:
    """Describe one run, its reason, its numbers, and the outcomes of each source's items.

    Raises NotFoundError where no run has the number.
    """
    with context.db.read() as session:
        run = session.get(Run, number)
        if run is None:
            raise NotFoundError(f"no run has the number {number}", "`digest runs` lists them")
        results = load_source_results(session, number)
    return RunDetails(
        **_describe_run(run),
        finished=_format_minute(run.finished),
        reason=run.reason,
        numbers=run.report.get("numbers", {}),
        problems=list(run.report.get("problems", ())),
        sources=[
            SourceResultDetails(
                id=result.source_id,
                state=result.state,
                **_describe_result(result),
                unexplained=count_unexplained(result),
                next=_format_minute(result.next_check),
                error=result.error or "",
                hint=result.hint or "",
            )
            for result in results
        ],
    )


def _load_source_rows(context: Context, session: Session, stale_days: Mapping[str, int]) -> list[SourceRow]:
    ids = [source.id for source in context.config.sources]
    states, results = load_source_states(session, ids), load_latest_source_results(session, ids)
    item_counts = count_all_items_by_source(session)
    rows = []
    for source in context.config.sources:
        state, result = states.get(source.id) or FetchState(source_id=source.id, url=""), results.get(source.id)
        outcome = str(state.disabled or (result.state if result else "never read"))
        if source.id in stale_days:
            outcome = f"silent for {stale_days[source.id]} days"
        rows.append(
            SourceRow(
                id=source.id,
                kind=source.kind,
                enabled=source.enabled,
                items=item_counts.get(source.id, 0),
                state=outcome if source.enabled else "off",
                **(_describe_result(result) if result else {}),
                checked=_format_minute(state.last_checked),
                next=_format_minute(state.next_check),
                error=state.last_error or "",
                warning=(result.error or "") if result and result.state == "ok" else "",
            )
        )
    return rows


def _describe_result(result: SourceResultRow) -> dict[str, Any]:
    numbers = {name: getattr(result, name) for name in ("found", *OUTCOMES, "requests", "bytes", "seconds")}
    outcomes = ", ".join(f"{numbers[name]} {name}" for name in OUTCOMES if numbers[name])
    size = f"{result.bytes / 1e6:.1f} MB" if result.bytes >= 1e6 else f"{result.bytes / 1e3:.1f} kB"
    counts = f"{result.found} found: {outcomes}" if result.found else ""
    return {"counts": counts, "took": f"{result.seconds:.1f} s, {size}", **numbers}


def _describe_run(run: Run) -> dict[str, Any]:
    seconds = round((run.finished - run.started).total_seconds(), 1) if run.finished else None
    line, started = run.report.get("line", "") or run.reason, _format_minute(run.started)
    names = ("id", "stage", "period", "state")
    return {name: getattr(run, name) for name in names} | {"started": started, "seconds": seconds, "line": line}


def _format_minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
