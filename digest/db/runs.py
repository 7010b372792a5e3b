"""Runs of stages, and what each run found at each source."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.db.bulk import in_list, upsert
from digest.files import identify_process, is_process_alive
from digest.models.items import Mention
from digest.models.runs import Run, SourceResult, SourceResultRow

OUTCOMES = ("new", "revised", "unchanged", "duplicate", "rejected", "failed")
_MAX_RUN_TIME = timedelta(days=1)  # for processes of other machines, whose end cannot be seen
_MENTION_TIME = func.coalesce(Mention.published, Mention.first_seen)


def start_run(session: Session, stage: str, period: str | None, now: datetime) -> int:
    """Open a run and return its id, after closing the runs of processes that were killed."""
    for abandoned in session.exec(select(Run).where(col(Run.state) == "running")):
        if _has_owner_ended(abandoned, now):
            abandoned.state, abandoned.reason, abandoned.finished = "interrupted", "the process ended", now
    run = Run(stage=stage, period=period, started=now, owner=f"{socket.gethostname()}/{identify_process()}")
    session.add(run)
    session.flush()
    return run.id


def _has_owner_ended(run: Run, now: datetime) -> bool:
    host, _, process = run.owner.partition("/")
    if host == socket.gethostname():
        return not is_process_alive(process)
    return now - run.started >= _MAX_RUN_TIME


def finish_run(session: Session, run_id: int, state: str, reason: str, report: dict[str, Any], now: datetime) -> None:
    """Close a run: done, partial, failed, refused or interrupted."""
    run = session.get_one(Run, run_id)
    run.state, run.reason, run.report, run.finished = state, reason, report, now
    session.add(run)


def load_latest_runs(session: Session, limit: int = 20, stage: str | None = None) -> list[Run]:
    """Load the newest runs, newest first."""
    query = select(Run).order_by(col(Run.id).desc()).limit(limit)
    return list(session.exec(query.where(col(Run.stage) == stage) if stage else query))


def load_last_ended_run(session: Session) -> list[Run]:
    """Load the run that ended last, if any did; of nested runs the outermost."""
    query = select(Run).where(col(Run.finished).is_not(None))
    return list(session.exec(query.order_by(col(Run.finished).desc(), col(Run.started)).limit(1)))


def count_unexplained(result: SourceResult) -> int:
    """Count the found items without an outcome; any means that items were lost or counted twice."""
    return result.found - sum(int(getattr(result, outcome)) for outcome in OUTCOMES)


def save_source_results(session: Session, *results: SourceResult) -> None:
    """Store the results of sources for a run, over those of their earlier pages."""
    columns = list(SourceResult.model_fields)
    rows = [{name: getattr(result, name) for name in columns} for result in results]
    upsert(session, SourceResultRow, rows, ["run_id", "source_id"], columns)


def load_source_results(session: Session, run_id: int) -> list[SourceResultRow]:
    """Load a run's results, by source."""
    query = select(SourceResultRow).where(SourceResultRow.run_id == run_id)
    return list(session.exec(query.order_by(SourceResultRow.source_id)))


def load_latest_source_results(session: Session, ids: Sequence[str]) -> dict[str, SourceResultRow]:
    """Load each source's newest result."""
    source_id = col(SourceResultRow.source_id)
    newest = select(func.max(SourceResultRow.id)).where(in_list(source_id, ids)).group_by(source_id)
    rows = session.exec(select(SourceResultRow).where(col(SourceResultRow.id).in_(newest)))
    return {result.source_id: result for result in rows}


def load_successful_fetch_times(session: Session, source_id: str) -> list[datetime]:
    """Load when a source was fetched whole, oldest first; backfills are not among them."""
    query = select(SourceResultRow.at).join(Run, col(Run.id) == col(SourceResultRow.run_id))
    query = query.where(SourceResultRow.source_id == source_id, Run.stage == "fetch")
    query = query.where(col(SourceResultRow.state).in_(("ok", "unmodified")))
    return list(session.exec(query.order_by(col(SourceResultRow.at))))


def load_last_active_times(session: Session, source_ids: Sequence[str]) -> dict[str, datetime]:
    """Load when each source published last; a source without mentions has no entry."""
    query = select(Mention.source_id, func.max(_MENTION_TIME)).where(in_list(Mention.source_id, source_ids))
    return {row[0]: row[1] for row in session.connection().execute(query.group_by(col(Mention.source_id)))}


def load_active_days(
    session: Session, source_ids: Sequence[str], limit: int = 60, until: datetime | None = None
) -> dict[str, list[datetime]]:
    """Load the newest distinct days, before `until`, on which each source published, oldest first."""
    query = (
        select(Mention.source_id, func.max(_MENTION_TIME))
        .where(in_list(Mention.source_id, source_ids))
        .group_by(col(Mention.source_id), func.date(_MENTION_TIME))
    )
    if until is not None:
        query = query.where(until > _MENTION_TIME)
    days: dict[str, list[datetime]] = {source_id: [] for source_id in source_ids}
    for source_id, last in session.connection().execute(query):
        days[source_id].append(last)
    return {source_id: sorted(times)[-limit:] for source_id, times in days.items()}


def load_last_ended_runs_by_stage(session: Session) -> list[Run]:
    """Load the newest run of each stage that has ended."""
    newest = select(func.max(Run.id)).where(col(Run.finished).is_not(None)).group_by(Run.stage)
    return list(session.exec(select(Run).where(col(Run.id).in_(newest)).order_by(Run.stage)))
