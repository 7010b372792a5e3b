"""What intake asks the store before it decides, and how its decisions are written, in bulk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session, col, update

from digest.models import Alias, Item, Mention, Tombstone
from digest.store.database import upsert

_BOUND = 900  # parameters a statement: SQLite builds may allow no more than 999
_COLUMNS = (
    "id", "key", "source_id", "title", "title_key", "url", "authors", "summary", "content", "published", "announced",
    "date_flag", "version", "withdrawn", "digest", "merged_into",
)  # fmt: skip


def mentions_of(session: Session, source_id: str, guids: Collection[str]) -> dict[str, tuple[str, str, str]]:
    """A source's known mentions: guid -> (item key, digest, url)."""
    out: dict[str, tuple[str, str, str]] = {}
    for part in _parts(guids):
        query = (
            select(col(Mention.guid), col(Item.key), col(Mention.digest), col(Mention.url))
            .join(Item, col(Item.id) == col(Mention.item_id))
            .where(col(Mention.source_id) == source_id, col(Mention.guid).in_(part))
        )
        out.update({guid: (key, digest, url) for guid, key, digest, url in session.connection().execute(query)})
    return out


def items_under(session: Session, keys: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Items by key and by alias, merged ones followed to the item that took them in; columns as in Item."""
    found: dict[str, Row[Any]] = {}
    for part in _parts(keys):
        found |= {row.key: row for row in _rows(session, col(Item.key).in_(part))}
        aliased = (
            select(col(Alias.key).label("alias"), *_items())
            .join(Item, col(Item.id) == col(Alias.item_id))
            .where(col(Alias.key).in_(part))
        )
        for row in session.connection().execute(aliased):
            found.setdefault(row.alias, row)
    merged = {row.merged_into for row in found.values() if row.merged_into}
    targets = {row.id: row for part in _parts(merged) for row in _rows(session, col(Item.id).in_(part))}
    return {key: dict(targets.get(row.merged_into, row)._mapping) for key, row in found.items()}


def items_titled(session: Session, title_keys: Collection[str]) -> list[Mapping[str, Any]]:
    """Unmerged items whose normalised title is one of these."""
    return [
        dict(row._mapping)
        for part in _parts(title_keys)
        for row in _rows(session, col(Item.title_key).in_(part) & col(Item.merged_into).is_(None))
    ]


def tombstones(session: Session, keys: Collection[str]) -> frozenset[str]:
    """Which of the keys were purged."""
    return frozenset(
        key
        for part in _parts(keys)
        for key in session.connection().scalars(select(col(Tombstone.key)).where(col(Tombstone.key).in_(part)))
    )


def insert_items(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """New items."""
    upsert(session, Item, rows, ["key"])


def update_item(session: Session, key: str, columns: Mapping[str, Any]) -> None:
    """Change columns of one item."""
    session.connection().execute(update(Item).where(col(Item.key) == key).values(**columns))


def item_ids(session: Session, keys: Collection[str]) -> dict[str, int]:
    """Ids by the items' own keys."""
    out: dict[str, int] = {}
    for part in _parts(keys):
        query = select(col(Item.key), col(Item.id)).where(col(Item.key).in_(part))
        out.update({key: number or 0 for key, number in session.connection().execute(query)})
    return out


def write_mentions(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """New mentions, and what a known mention says now."""
    upsert(session, Mention, rows, ["source_id", "guid"], ["item_id", "url", "title", "published", "digest"])


def write_aliases(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Further keys; the first owner of a key keeps it."""
    upsert(session, Alias, rows, ["key"])


def _items() -> list[Any]:
    return [getattr(Item, name) for name in _COLUMNS]


def _rows(session: Session, condition: Any) -> Sequence[Row[Any]]:
    return session.connection().execute(select(*_items()).where(condition)).all()


def _parts(values: Collection[Any]) -> Iterator[list[Any]]:
    row = list(values)
    for start in range(0, len(row), _BOUND):
        yield row[start : start + _BOUND]
