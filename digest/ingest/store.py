"""Takes found items into the store: prepare, look up, decide, write, all in the caller's one transaction."""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlmodel import Session

from digest.config.schema import Source
from digest.db.ingest import Row, StoredBatch, load_stored_batch, write_batch
from digest.ingest.decide import ExistingItem, ExistingMention, ExistingRecords, collect_lookup_keys, decide_batch
from digest.ingest.normalize import PreparedItem, RejectedEntry, normalize_entry
from digest.sources.entries import Entry


def ingest_items(session: Session, batch: Sequence[PreparedItem]) -> Counter[str]:
    """Store a batch and return how many items met which fate: new, revised, unchanged, duplicate, rejected."""
    return sum(ingest_items_by_source(session, batch).values(), Counter())


def ingest_items_by_source(session: Session, batch: Sequence[PreparedItem]) -> dict[str, Counter[str]]:
    """Store a batch of one or several sources and return the fates by source."""
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    if not batch:
        return fates
    with _pause_garbage_collection():
        sought = collect_lookup_keys(batch)
        decided = decide_batch(
            batch,
            _build_existing_records(load_stored_batch(session, sought.mention_keys, sought.keys, sought.title_keys)),
        )
        write_batch(
            session,
            inserts=[arrival.insert_columns for arrival in decided if arrival.insert_columns],
            updates=[(arrival.item_key, arrival.update_columns) for arrival in decided if arrival.update_columns],
            mentions=[(arrival.item_key, arrival.mention_columns) for arrival in decided if arrival.mention_columns],
            aliases=[(key, arrival.item_key, why) for arrival in decided for key, why in arrival.aliases.items()],
        )
    for item, arrival in zip(batch, decided, strict=True):
        fates[item.source_id][arrival.outcome] += 1
    return fates


@contextmanager
def _pause_garbage_collection() -> Iterator[None]:
    """Without searches for dead cycles: what a batch makes lives until it is written."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def ingest_entries(
    session: Session, source: Source, entries: Iterable[Entry], now: datetime
) -> tuple[Counter[str], list[str]]:
    """Prepare and store what a person brings in; returns counts with "found", and why items were rejected."""
    prepared = [normalize_entry(each, source, now) for each in entries]
    refused = [each for each in prepared if isinstance(each, RejectedEntry)]
    counts = ingest_items(session, [each for each in prepared if isinstance(each, PreparedItem)])
    counts["found"] = len(prepared)
    counts["rejected"] += len(refused)
    return counts, [f"{each.title or each.url or 'an item'}: {each.reason}" for each in refused]


def _build_existing_records(stored: StoredBatch) -> ExistingRecords:
    """The store's rows as intake's values; a row that is reached by several keys stays one value."""
    values: dict[int, ExistingItem] = {}

    def value(row: Row) -> ExistingItem:
        if row["id"] not in values:
            values[row["id"]] = ExistingItem(**{name: row[name] for name in ExistingItem.__slots__})
        return values[row["id"]]

    return ExistingRecords(
        mentions={
            place: ExistingMention(row["item_key"], row["digest"], row["url"]) for place, row in stored.mentions.items()
        },
        items={key: value(row) for key, row in stored.items.items()},
        titles={title: [value(row) for row in rows] for title, rows in stored.titles.items()},
        tombstones=stored.tombstones,
    )
