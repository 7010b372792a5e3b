"""The completeness ledger: what each run found at each source, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.models import Count, Mention, RunCount
from digest.store.database import among, upsert

FATES = ("new", "revised", "unchanged", "duplicate", "rejected", "failed")
_MOMENT = func.coalesce(Mention.published, Mention.first_seen)


def unexplained(count: Count) -> int:
    """How many of the found items have no fate; anything but 0 means that items were lost or counted twice."""
    return count.found - sum(int(getattr(count, fate)) for fate in FATES)


def record(session: Session, *counts: Count) -> None:
    """Store sources' counts for a run, over those stored for their earlier pages."""
    columns = list(Count.model_fields)
    rows = [{name: getattr(count, name) for name in columns} for count in counts]
    upsert(session, RunCount, rows, ["run_id", "source_id"], columns)


def of_run(session: Session, run_id: int) -> list[RunCount]:
    """A run's counts, by source."""
    return list(session.exec(select(RunCount).where(RunCount.run_id == run_id).order_by(RunCount.source_id)))


def latest(session: Session, ids: Sequence[str]) -> dict[str, RunCount]:
    """Each source's newest count."""
    newest = select(func.max(RunCount.id)).where(col(RunCount.source_id).in_(ids)).group_by(col(RunCount.source_id))
    return {count.source_id: count for count in session.exec(select(RunCount).where(col(RunCount.id).in_(newest)))}


def last_active(session: Session, source_ids: Sequence[str]) -> dict[str, datetime]:
    """When each source published last, by what `active_days` goes by; a source without mentions has no entry."""
    query = select(Mention.source_id, func.max(_MOMENT)).where(among(Mention.source_id, source_ids))
    return {row[0]: row[1] for row in session.connection().execute(query.group_by(col(Mention.source_id)))}


def active_days(session: Session, source_ids: Sequence[str], limit: int = 60) -> dict[str, list[datetime]]:
    """The newest distinct days on which each source published, oldest first; first sight stands for a missing date."""
    query = (
        select(Mention.source_id, func.max(_MOMENT))
        .where(among(Mention.source_id, source_ids))
        .group_by(col(Mention.source_id), func.date(_MOMENT))
    )
    days: dict[str, list[datetime]] = {source_id: [] for source_id in source_ids}
    for source_id, last in session.connection().execute(query):
        days[source_id].append(last)
    return {source_id: sorted(found)[-limit:] for source_id, found in days.items()}
