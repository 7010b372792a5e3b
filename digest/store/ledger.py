"""The completeness ledger: what each run found at each source, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from digest.models import Mention, SourceResult, SourceResultRow
from digest.store.database import in_list, upsert

OUTCOMES = ("new", "revised", "unchanged", "duplicate", "rejected", "failed")
_MENTION_TIME = func.coalesce(Mention.published, Mention.first_seen)


def count_unexplained(result: SourceResult) -> int:
    """How many of the found items have no fate; anything but 0 means that items were lost or counted twice."""
    return result.found - sum(int(getattr(result, fate)) for fate in OUTCOMES)


def save_source_results(session: Session, *results: SourceResult) -> None:
    """Store sources' counts for a run, over those stored for their earlier pages."""
    columns = list(SourceResult.model_fields)
    rows = [{name: getattr(count, name) for name in columns} for count in results]
    upsert(session, SourceResultRow, rows, ["run_id", "source_id"], columns)


def load_source_results(session: Session, run_id: int) -> list[SourceResultRow]:
    """A run's counts, by source."""
    return list(
        session.exec(
            select(SourceResultRow).where(SourceResultRow.run_id == run_id).order_by(SourceResultRow.source_id)
        )
    )


def load_latest_source_results(session: Session, ids: Sequence[str]) -> dict[str, SourceResultRow]:
    """Each source's newest count."""
    newest = (
        select(func.max(SourceResultRow.id))
        .where(col(SourceResultRow.source_id).in_(ids))
        .group_by(col(SourceResultRow.source_id))
    )
    return {
        count.source_id: count
        for count in session.exec(select(SourceResultRow).where(col(SourceResultRow.id).in_(newest)))
    }


def load_last_active_times(session: Session, source_ids: Sequence[str]) -> dict[str, datetime]:
    """When each source published last, by what `active_days` goes by; a source without mentions has no entry."""
    query = select(Mention.source_id, func.max(_MENTION_TIME)).where(in_list(Mention.source_id, source_ids))
    return {row[0]: row[1] for row in session.connection().execute(query.group_by(col(Mention.source_id)))}


def load_active_days(session: Session, source_ids: Sequence[str], limit: int = 60) -> dict[str, list[datetime]]:
    """The newest distinct days on which each source published, oldest first; first sight stands for a missing date."""
    query = (
        select(Mention.source_id, func.max(_MENTION_TIME))
        .where(in_list(Mention.source_id, source_ids))
        .group_by(col(Mention.source_id), func.date(_MENTION_TIME))
    )
    days: dict[str, list[datetime]] = {source_id: [] for source_id in source_ids}
    for source_id, last in session.connection().execute(query):
        days[source_id].append(last)
    return {source_id: sorted(found)[-limit:] for source_id, found in days.items()}
