"""Restore, check and compact a database file, and prune items."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete
from sqlmodel import Session, col, func, or_, select

from digest.db.bulk import in_list, upsert
from digest.db.engine import BUSY_SECONDS, Database
from digest.db.items import load_items_by_key
from digest.db.search import update_search_index
from digest.errors import StoreError
from digest.models.issues import Pick
from digest.models.items import Alias, Item, Mention, OutboundLink, PossibleDuplicate, Tombstone
from digest.models.predictions import Decision, ItemVector, Ranking, Tagging
from digest.models.runs import CachedAnswer

_FILE_SUFFIXES = ("", "-wal", "-shm")


def restore_database(copy: Path, target: Path) -> None:
    """Replace the rows of `target` by those of `copy` in one transaction, which others see whole or not at all.

    A target that is not a database any more is renamed to `<name>.damaged` first. Raises StoreError for a damaged
    copy, before anything is changed.
    """
    if problems := check_database_file(copy):
        raise StoreError(f"{copy.name} is no sound copy: {problems[0]}", "choose another backup")
    if target.exists() and check_database_file(target):
        for suffix in _FILE_SUFFIXES:
            part = Path(f"{target}{suffix}")
            if part.exists():
                part.replace(Path(f"{target}.damaged{suffix}"))
    origin, live = sqlite3.connect(copy), sqlite3.connect(target, timeout=BUSY_SECONDS)
    try:
        origin.backup(live)
    except sqlite3.Error as error:
        raise StoreError(f"{target.name} cannot be restored: {error}", "stop what uses it, then restore") from error
    finally:
        live.close()
        origin.close()


def check_database_file(path: Path) -> list[str]:
    """List what SQLite's own check finds wrong with a file, or that it is no database at all."""
    address = f"{path.absolute().as_uri()}?mode=rw"  # so that nothing is made where there is none
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as raw:
            return [str(row[0]) for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
    except sqlite3.Error as error:
        return [str(error)]


def compact_database(db: Database) -> int:
    """Return the space of deleted rows to the disk; return the bytes, 0 while others use the file."""
    if db.schema:
        return 0  # PostgreSQL does it itself
    path, before = db.path, db.path.stat().st_size
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as raw:
        try:
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError:
            return 0
    return max(0, before - path.stat().st_size)


def find_prunable_items(session: Session, before: datetime, needed_keys: Collection[str]) -> list[int]:
    """Find items seen and published before a moment that were never picked, decided upon or merged.

    A candidate that was passed over was not decided upon. Items of the `needed_keys` stay.
    """
    needed = {item.id for item in load_items_by_key(session, sorted(needed_keys)).values()}
    decided = select(Decision.item_id).where(Decision.verdict != "pass")
    merged = select(Item.merged_into).where(col(Item.merged_into) > 0)
    query = (
        select(Item.id)
        .where(Item.first_seen < before, func.coalesce(Item.published, Item.first_seen) < before)
        .where(col(Item.merged_into).is_(None), col(Item.id).not_in(merged))
        .where(col(Item.id).not_in(select(Pick.item_id)), col(Item.id).not_in(decided))
        .order_by(col(Item.id))
    )
    return [item_id for item_id in session.exec(query) if item_id not in needed]


def delete_items(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Delete items and all rows that point to them, and store their keys as tombstones."""
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
    connection.execute(delete(OutboundLink).where(in_list(OutboundLink.key, keys)))
    connection.execute(delete(Item).where(in_list(Item.id, ids)))
    update_search_index(session)  # SQLite reuses the highest ids, which the index must not take for indexed
