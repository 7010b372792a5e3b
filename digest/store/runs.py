"""Runs: when a stage began, how it ended, what it reported."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session, col, select

from digest.models import Run
from digest.store.processes import identify_host_process, may_be_running

_MAX_RUN_TIME = timedelta(days=1)  # of another machine's processes nothing is known; hardly one takes longer
_OWNER = f"{identify_host_process()}/{uuid4().hex[:8]}"  # in containers every process has the same number


def start_run(session: Session, stage: str, period: str | None, now: datetime) -> int:
    """Open a run and return its id; runs whose process was killed are closed first."""
    _close_abandoned_runs(session, now)
    run = Run(stage=stage, period=period, started=now, owner=_OWNER)
    session.add(run)
    session.flush()
    assert run.id is not None
    return run.id


def finish_run(session: Session, run_id: int, state: str, reason: str, report: dict[str, Any], now: datetime) -> None:
    """Close a run: done, partial, failed, refused or interrupted."""
    run = session.get_one(Run, run_id)
    run.state, run.reason, run.report, run.finished = state, reason, report, now
    session.add(run)


def load_latest_runs(session: Session, limit: int = 20, stage: str | None = None) -> list[Run]:
    """The newest runs, newest first."""
    query = select(Run).order_by(col(Run.id).desc()).limit(limit)
    return list(session.exec(query.where(col(Run.stage) == stage) if stage else query))


def load_last_ended_run(session: Session) -> list[Run]:
    """The run that ended last, if any did; of a shift's runs it is the one that holds the others."""
    query = select(Run).where(col(Run.finished).is_not(None))
    return list(session.exec(query.order_by(col(Run.finished).desc(), col(Run.started)).limit(1)))


def _close_abandoned_runs(session: Session, now: datetime) -> None:
    """Say of runs that never ended, and whose process is gone, that they were interrupted."""
    for run in session.exec(select(Run).where(col(Run.state) == "running")):
        if _has_owner_ended(run, now):
            run.state, run.reason, run.finished = "interrupted", "the process ended", now


def _has_owner_ended(run: Run, now: datetime) -> bool:
    """Whether the process that opened a run has ended; one of another machine is believed to have after a day."""
    process = run.owner.rpartition("/")[0]
    if process == identify_host_process():
        return run.owner != _OWNER
    if process.partition("/")[0] == identify_host_process().partition("/")[0]:
        return not may_be_running(process)
    return now - run.started >= _MAX_RUN_TIME
