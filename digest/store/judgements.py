"""Taggings, rankings and vectors: what taggers and rankers said, written in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, func, select

from digest.models import Item, ItemVector, Ranking, Tagging
from digest.store.database import in_list, upsert


def load_untagged_items(session: Session, engine: str, taxonomy: str) -> dict[int, datetime]:
    """Items that the engine has not judged in their present words and under this taxonomy, each with its date.

    The date is that of publication, else of first sight.
    """
    joined = (col(Tagging.item_id) == col(Item.id)) & (col(Tagging.engine) == engine)
    query = (
        select(Item.id, func.coalesce(Item.published, Item.first_seen))
        .join(Tagging, joined, isouter=True)
        .where(col(Item.merged_into).is_(None))
        .where(
            col(Tagging.id).is_(None)
            | (col(Tagging.taxonomy) != taxonomy)
            | (col(Tagging.item_digest) != col(Item.digest))
        )
        .order_by(col(Item.id))
    )
    return {item_id or 0: moment for item_id, moment in session.exec(query)}


def save_taggings(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write taggings, one per item and engine."""
    columns = ["category", "secondary", "confidence", "relevance", "novelty", "reason", "taxonomy", "item_digest", "at"]
    upsert(session, Tagging, rows, ["item_id", "engine"], columns)


def load_taggings(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Tagging]]:
    """Each item's taggings by engine."""
    out: dict[int, dict[str, Tagging]] = {}
    for row in session.exec(select(Tagging).where(in_list(Tagging.item_id, ids))):
        out.setdefault(row.item_id, {})[row.engine] = row
    return out


def load_engine_categories(session: Session, engine: str) -> dict[int, str]:
    """Each item's category in the eyes of one engine."""
    return dict(session.exec(select(Tagging.item_id, Tagging.category).where(Tagging.engine == engine)).all())


def delete_engine_taggings(session: Session, engine: str) -> None:
    """Drop an engine's verdicts, so that everything is judged again."""
    session.connection().execute(delete(Tagging).where(col(Tagging.engine) == engine))


def choose_best_tagging(rows: Mapping[str, Tagging]) -> Tagging | None:
    """The verdict that counts: the editor's, else a model's, else the embedded tagger's."""
    return min(rows.values(), key=lambda row: (_get_engine_priority(row.engine), -(row.id or 0)), default=None)


def _get_engine_priority(engine: str) -> int:
    return {"editor": 0, "embedded": 2}.get(engine, 1)


def save_vectors(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write items' vectors beside the hash of the text they were made from."""
    upsert(session, ItemVector, rows, ["item_id"], ["item_digest", "vector"])


def load_item_vectors(session: Session, ids: Sequence[int]) -> dict[int, ItemVector]:
    """Stored vectors by item id."""
    return {row.item_id: row for row in session.exec(select(ItemVector).where(in_list(ItemVector.item_id, ids)))}


def replace_ranking(session: Session, period: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make `rows` the ranking of a period."""
    session.connection().execute(delete(Ranking).where(col(Ranking.period) == period))
    upsert(session, Ranking, rows, ["period", "item_id"])


def load_ranking(session: Session, period: str, limit: int | None = None) -> list[tuple[Ranking, Item]]:
    """A period's candidates, best first."""
    query = (
        select(Ranking, Item)
        .where(Ranking.period == period, Ranking.item_id == Item.id)
        .order_by(col(Ranking.place))
        .limit(limit)
    )
    return [(row, item) for row, item in session.exec(query)]
