"""Deletes items that nobody ever chose, with everything said of them, and remembers their keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, func, or_, select

from digest.models import (
    Alias,
    CachedAnswer,
    Decision,
    Item,
    ItemVector,
    Mention,
    Pick,
    PossibleDuplicate,
    Ranking,
    Tagging,
    Tombstone,
)
from digest.store import items, search
from digest.store.database import in_list, upsert


def find_prunable_items(session: Session, before: datetime, needed_keys: Collection[str]) -> list[int]:
    """Items seen and published before a moment that were never picked, decided upon, or merged with another.

    Being offered and passed over is no decision. Items of the `needed` keys stay.
    """
    kept = {item.id for item in items.load_items_by_key(session, sorted(needed_keys)).values()}
    decided = select(Decision.item_id).where(Decision.verdict != "pass")
    merged = select(Item.merged_into).where(col(Item.merged_into) > 0)
    query = (
        select(Item.id)
        .where(Item.first_seen < before, func.coalesce(Item.published, Item.first_seen) < before)
        .where(col(Item.merged_into).is_(None), col(Item.id).not_in(merged))
        .where(col(Item.id).not_in(select(Pick.item_id)), col(Item.id).not_in(decided))
        .order_by(col(Item.id))
    )
    return [item_id for item_id in session.exec(query) if item_id is not None and item_id not in kept]


def delete_items(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Delete items and all rows that point to them; every key they had becomes a tombstone."""
    keys = {
        *session.exec(select(Item.key).where(in_list(Item.id, ids))),
        *session.exec(select(Alias.key).where(in_list(Alias.item_id, ids))),
        *session.exec(select(Mention.own_key).where(in_list(Mention.item_id, ids), Mention.own_key != "")),
    }
    upsert(session, Tombstone, [{"key": key, "at": now} for key in sorted(keys)], ["key"])
    connection = session.connection()
    pairs = or_(in_list(PossibleDuplicate.item_id, ids), in_list(PossibleDuplicate.other_id, ids))
    connection.execute(delete(PossibleDuplicate).where(pairs))
    for table in (Decision, Alias, Mention, Tagging, Ranking, ItemVector, CachedAnswer):
        connection.execute(delete(table).where(in_list(table.item_id, ids)))
    connection.execute(delete(Item).where(in_list(Item.id, ids)))
    search.update_search_index(
        session
    )  # SQLite gives the highest ids out again; the index must not take those for known
