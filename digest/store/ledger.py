"""The completeness ledger: what each run found at each source, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.models import Mention, RunCount

FATES = ("new", "revised", "unchanged", "duplicate", "rejected", "failed")


def unexplained(count: RunCount) -> int:
    """How many of the found items have no fate; anything but 0 means that items were lost or counted twice."""
    return count.found - sum(int(getattr(count, fate)) for fate in FATES)


def record(session: Session, count: RunCount) -> None:
    """Store a source's count for a run, over the one stored for its earlier pages."""
    query = select(RunCount.id).where(RunCount.run_id == count.run_id, RunCount.source_id == count.source_id)
    count.id = session.exec(query).first()
    session.merge(count)


def of_run(session: Session, run_id: int) -> list[RunCount]:
    """A run's counts, by source."""
    return list(session.exec(select(RunCount).where(RunCount.run_id == run_id).order_by(RunCount.source_id)))


def latest(session: Session, ids: Sequence[str]) -> dict[str, RunCount]:
    """Each source's newest count."""
    newest = select(func.max(RunCount.id)).where(col(RunCount.source_id).in_(ids)).group_by(col(RunCount.source_id))
    return {count.source_id: count for count in session.exec(select(RunCount).where(col(RunCount.id).in_(newest)))}


def active_days(session: Session, source_id: str, limit: int = 60) -> list[datetime]:
    """The newest distinct days on which a source published, oldest first; its first sight stands for a missing date."""
    moment = func.coalesce(Mention.published, Mention.first_seen)
    day = func.date(moment)
    query = (
        select(func.max(moment)).where(Mention.source_id == source_id).group_by(day).order_by(day.desc()).limit(limit)
    )
    return sorted(session.exec(query))
