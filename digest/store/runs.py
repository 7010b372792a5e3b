"""Runs: when a stage began, how it ended, what it reported."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select, update

from digest.models import Run


def start(session: Session, stage: str, period: str | None, now: datetime) -> int:
    """Open a run and return its id."""
    run = Run(stage=stage, period=period, started=now)
    session.add(run)
    session.flush()
    assert run.id is not None
    return run.id


def finish(session: Session, run_id: int, state: str, reason: str, report: dict[str, Any], now: datetime) -> None:
    """Close a run: done, partial, failed, refused or interrupted."""
    run = session.get_one(Run, run_id)
    run.state, run.reason, run.report, run.finished = state, reason, report, now
    session.add(run)


def latest(session: Session, limit: int = 20, stage: str | None = None) -> list[Run]:
    """The newest runs, newest first."""
    query = select(Run).order_by(col(Run.id).desc()).limit(limit)
    return list(session.exec(query.where(col(Run.stage) == stage) if stage else query))


def close_abandoned(session: Session, stage: str, before: int, now: datetime) -> int:
    """Mark a stage's runs before run `before` that never ended as interrupted; return how many.

    For a caller who knows that no other process is at that stage.
    """
    lost = update(Run).where(col(Run.state) == "running", col(Run.stage) == stage, col(Run.id) < before)
    done = session.connection().execute(lost.values(state="interrupted", reason="the process ended", finished=now))
    return int(done.rowcount)
