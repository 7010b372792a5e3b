"""`status` and `runs`: what was read, what is due, which issues are where. Reads only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest.context import Context
from digest.db.issues import load_issues_with_pick_counts
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
from digest.ingest.fetch import find_stale_sources
from digest.models.runs import Run, SourceResultRow
from digest.ops.schedule import compute_next_draft_time, find_pending_jobs
from digest.periods import get_month_of

_HOST = re.compile(r"\bthe host \S+")


def load_status(context: Context) -> dict[str, Any]:
    """Everything `digest status` shows: totals, what is due, the last run, a row a source, a row an issue."""
    silent = find_stale_sources(context)
    with context.db.read() as session:
        rows = _build_source_rows(context, session)
        issues: list[dict[str, Any]] = [
            {"period": issue.period, "kind": issue.kind, "state": issue.state, "picks": picks, "title": issue.title}
            for issue, picks in load_issues_with_pick_counts(session)
        ]
        totals = {
            "items": count_items(session),
            "issues": len(issues),
            "published": sum(issue["state"] in ("published", "sent") for issue in issues),
            "picks": sum(issue["picks"] for issue in issues),
        }
        last = [_build_run_row(run) for run in load_last_ended_run(session)]
    for row in rows:
        if row["id"] in silent:
            row["state"] = f"silent for {silent[row['id']].days} days"
    trouble = sum(1 for row in rows if row["error"])
    line = f"{totals['items']} items from {len(rows)} sources, {totals['picks']} picks in {totals['issues']} issues"
    if trouble:
        line += f"; {trouble} sources in trouble"
    return {
        "line": line,
        "totals": totals,
        "due": load_due_rows(context),
        "last": last,
        "sources": rows,
        "issues": issues,
    }


def group_by_error(errors: Mapping[str, str]) -> dict[str, list[str]]:
    """The sources of each trouble. Where several share it, a host's name, which is each one's own, is left out."""
    named: defaultdict[str, list[str]] = defaultdict(list)
    for source, words in errors.items():
        named[_HOST.sub("the host", words)].append(source)
    return {errors[names[0]] if len(names) == 1 else words: names for words, names in named.items()}


def load_due_rows(context: Context) -> list[dict[str, str]]:
    """What the cadence waits for, work by work: since when it is due, when a failed one is tried again; last, the next
    draft.
    """
    rows = []
    for slot, moment in find_pending_jobs(context):
        state = "waits" if moment > context.now else "due"
        rows.append(
            _build_due_row(context, slot.name, slot.period.name, state, moment if state == "waits" else slot.due_at)
        )
    then = compute_next_draft_time(context.config.cadence, context.now, context.zone)
    month = get_month_of(then.astimezone(context.zone).replace(day=1) - timedelta(days=1), context.zone)
    return [*rows, _build_due_row(context, "draft", month.name, "next", then)]


def _build_due_row(context: Context, job_name: str, period: str, state: str, moment: datetime) -> dict[str, str]:
    return {
        "work": job_name,
        "period": period,
        "state": state,
        "at": f"{moment.astimezone(context.zone):%Y-%m-%d %H:%M %Z}",
    }


def _build_source_rows(context: Context, session: Session) -> list[dict[str, Any]]:
    ids = [source.id for source in context.config.sources]
    states, counts = load_source_states(session, ids), load_latest_source_results(session, ids)
    item_counts = count_all_items_by_source(session)
    rows = []
    for source in context.config.sources:
        state, count = states.get(source.id), counts.get(source.id)
        rows.append(
            {
                "id": source.id,
                "kind": source.kind,
                "enabled": source.enabled,
                "items": item_counts.get(source.id, 0),
                "state": _describe_source_state(source.enabled, state, count),
                **_format_source_result(count),
                "checked": _format_minute(state.last_checked) if state else "",
                "next": _format_minute(state.next_check) if state else "",
                "error": (state.last_error or "") if state else "",
                "warning": (count.error or "") if count and count.state == "ok" else "",
            }
        )
    return rows


def _format_source_result(result: SourceResultRow | None) -> dict[str, Any]:
    """What the last run found at a source, as numbers and as one line."""
    if result is None:
        return {"counts": "", "took": "", "found": 0}
    numbers = {word: getattr(result, word) for word in ("found", *OUTCOMES, "requests", "bytes", "seconds")}
    told = ", ".join(f"{numbers[word]} {word}" for word in OUTCOMES if numbers[word])
    return {
        "counts": f"{result.found} found: {told}" if result.found else "",
        "took": f"{result.seconds:.1f} s, {_format_size(result.bytes)}",
        **numbers,
    }


def _format_size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e6 else f"{number / 1e3:.1f} kB"


def _describe_source_state(enabled: bool, state: Any, result: Any) -> str:
    if not enabled:
        return "off"
    if state is not None and state.disabled:
        return str(state.disabled)
    return str(result.state) if result is not None else "never read"


def load_run_rows(context: Context, limit: int) -> list[dict[str, Any]]:
    """The newest runs, newest first, as rows."""
    with context.db.read() as session:
        return [_build_run_row(run) for run in load_latest_runs(session, limit)]


def explain_run(context: Context, number: int) -> dict[str, Any]:
    """One run: its row, why it ended so, its numbers, and what became of each source's items.

    Raises NotFoundError for a run that is not there.
    """
    with context.db.read() as session:
        run = session.get(Run, number)
        if run is None:
            raise NotFoundError(f"no run has the number {number}", "`digest runs` lists them")
        counts = load_source_results(session, number)
        facts = {**_build_run_row(run), "finished": _format_minute(run.finished), "reason": run.reason}
    numbers, problems = run.report.get("numbers", {}), list(run.report.get("problems", ()))
    return facts | {"numbers": numbers, "problems": problems, "sources": [_build_result_row(count) for count in counts]}


def _build_result_row(result: SourceResultRow) -> dict[str, Any]:
    return {
        "id": result.source_id,
        "state": result.state,
        **_format_source_result(result),
        "unexplained": count_unexplained(result),
        "next": _format_minute(result.next_check),
        "error": result.error or "",
        "hint": result.hint or "",
    }


def _build_run_row(run: Run) -> dict[str, Any]:
    seconds = (run.finished - run.started).total_seconds() if run.finished else None
    return {
        "id": run.id,
        "stage": run.stage,
        "period": run.period,
        "state": run.state,
        "started": _format_minute(run.started),
        "seconds": None if seconds is None else round(seconds, 1),
        "line": run.report.get("line", "") or run.reason,
    }


def _format_minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
