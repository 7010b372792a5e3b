"""Bulk lookup of what the database holds of a batch, and bulk write of the decisions on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, or_, update
from sqlmodel import Session, col, select

from digest.db.bulk import in_list, in_pairs, upsert
from digest.models.items import Alias, Item, Mention, OutboundLink, Tombstone

_COLUMNS = (
    "id", "key", "source_id", "title", "title_key", "url", "authors", "summary", "content", "published", "updated",
    "announced", "date_flag", "version", "withdrawn", "digest", "rewordings", "merged_into",
)  # fmt: skip
_MENTION_COLUMNS = ("source_id", "guid", "item_id", "digest", "url")
_MENTION_UPDATES = ("item_id", "url", "title", "published", "digest", "own_key", "text")

Row = Mapping[str, Any]


@dataclass(slots=True)
class StoredBatch:
    """What the database holds of a batch; in place of a merged item stands the one it was merged into.

    `items` is by own key and by alias, `mentions` by (source, guid) with the item's key, `titles` by title key.
    """

    items: dict[str, Row] = field(default_factory=dict)
    mentions: dict[tuple[str, str], Row] = field(default_factory=dict)
    titles: dict[str, list[Row]] = field(default_factory=dict)
    tombstones: frozenset[str] = frozenset()


def load_stored_batch(
    session: Session, mention_keys: Iterable[tuple[str, str]], keys: Iterable[str], title_keys: Iterable[str]
) -> StoredBatch:
    """Look up a batch: its mentions, the items of its keys, and the items with the same titles."""
    keys, title_keys = list(keys), frozenset(title_keys)
    mentions = list(_select_mentions(session, mention_keys))
    aliases = dict(_select_ids_by_key(session, Alias.key, Alias.item_id, keys))
    ids = {row["item_id"] for row in mentions} | set(aliases.values())
    rows = list(_select_items(session, keys, title_keys, ids))
    by_id = {row["id"]: row for row in rows}
    _follow_merges(session, by_id)
    tombstones = session.exec(select(Tombstone.key).where(in_list(Tombstone.key, keys)))
    batch = StoredBatch(tombstones=frozenset(tombstones))
    batch.items = {row["key"]: row for row in by_id.values()}
    batch.items |= {row["key"]: by_id[row["id"]] for row in rows}
    batch.items |= {key: by_id[item_id] for key, item_id in aliases.items()}
    batch.mentions = {
        (row["source_id"], row["guid"]): {**row, "item_key": by_id[row["item_id"]]["key"]} for row in mentions
    }
    titles: dict[str, dict[int, Row]] = defaultdict(dict)
    for row in rows:
        if row["title_key"] in title_keys:
            titles[row["title_key"]][by_id[row["id"]]["id"]] = by_id[row["id"]]
    batch.titles = {title: list(items.values()) for title, items in titles.items()}
    return batch


def write_batch(
    session: Session,
    *,
    inserts: Sequence[Row],
    updates: Sequence[tuple[str, Row]],
    mentions: Sequence[tuple[str, Row]],
    aliases: Sequence[tuple[str, str, str]],
    links: Sequence[Row] = (),
) -> None:
    """Store the decisions on a batch. Items are named by key; `aliases` are (alias, item's key, reason)."""
    upsert(session, Item, inserts)
    keys = {key for key, _ in (*updates, *mentions)} | {key for _, key, _ in aliases}
    ids = dict(_select_ids_by_key(session, Item.key, Item.id, keys))
    for columns, rows in _group_by_columns(updates).items():
        change = update(Item).where(col(Item.id) == bindparam("_id"))
        values: dict[str, Any] = {name: bindparam(name) for name in columns}
        session.connection().execute(change.values(values), [{**row, "_id": ids[key]} for key, row in rows])
    mention_rows = [{**row, "item_id": ids[key]} for key, row in mentions]
    upsert(session, Mention, mention_rows, ["source_id", "guid"], _MENTION_UPDATES)
    alias_rows = [{"key": alias, "item_id": ids[key], "reason": reason} for alias, key, reason in aliases]
    upsert(session, Alias, alias_rows, ["key"])
    upsert(session, OutboundLink, links, ["source_id", "guid", "key"], ["anchor", "text", "at"])


def _group_by_columns(updates: Sequence[tuple[str, Row]]) -> dict[tuple[str, ...], list[tuple[str, Row]]]:
    """Join the updates of one item, and group them by their columns: one statement a group."""
    joined: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, row in updates:
        joined[key].update(row)
    groups: dict[tuple[str, ...], list[tuple[str, Row]]] = defaultdict(list)
    for key, row in joined.items():
        groups[tuple(sorted(row))].append((key, row))
    return groups


def _follow_merges(session: Session, by_id: dict[int, Row]) -> None:
    """Replace each merged item by the one it was merged into, however long the chain."""
    while missing := {row["merged_into"] for row in by_id.values() if row["merged_into"]}:
        loaded = {row["id"]: row for row in by_id.values()}
        targets = {item_id: loaded[item_id] for item_id in missing if item_id in loaded}
        targets |= {row["id"]: row for row in _select_items(session, ids=missing - targets.keys())}
        for item_id, row in by_id.items():
            by_id[item_id] = targets[row["merged_into"]] if row["merged_into"] else row


def _select_items(
    session: Session, keys: Iterable[str] = (), title_keys: Iterable[str] = (), ids: Iterable[int] = ()
) -> Iterator[Row]:
    """Select the items with one of the keys, titles or ids, each once."""
    matches = or_(in_list(Item.key, keys), in_list(Item.title_key, title_keys), in_list(Item.id, ids))
    query = select(*(getattr(Item, name) for name in _COLUMNS)).where(matches)
    yield from (dict(zip(_COLUMNS, row, strict=True)) for row in session.connection().execute(query))


def _select_mentions(session: Session, mention_keys: Iterable[tuple[str, str]]) -> Iterator[Row]:
    query = select(*(getattr(Mention, name) for name in _MENTION_COLUMNS))
    query = query.where(in_pairs(Mention.source_id, Mention.guid, mention_keys))
    yield from (dict(zip(_MENTION_COLUMNS, row, strict=True)) for row in session.connection().execute(query))


def _select_ids_by_key(session: Session, key: Any, value: Any, keys: Iterable[str]) -> Iterator[tuple[str, int]]:
    for row in session.connection().execute(select(key, value).where(in_list(key, keys))):
        yield row[0], row[1]
