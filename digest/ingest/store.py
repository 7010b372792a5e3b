"""Store items in the caller's transaction: look up what exists, decide, write."""

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
from digest.ingest.shared_pages import split_shared_pages
from digest.sources.entries import Entry


def ingest_items(session: Session, batch: Sequence[PreparedItem]) -> Counter[str]:
    """Store a batch and count its outcomes: new, revised, unchanged, duplicate, rejected."""
    return sum(ingest_items_by_source(session, batch).values(), Counter())


def ingest_items_by_source(session: Session, batch: Sequence[PreparedItem]) -> dict[str, Counter[str]]:
    """Store a batch of one or several sources and count the outcomes of each source."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    if not batch:
        return outcomes
    with _pause_garbage_collection():
        batch = split_shared_pages(batch)
        lookup = collect_lookup_keys(batch)
        stored = load_stored_batch(session, lookup.mention_keys, lookup.keys, lookup.title_keys)
        decisions = decide_batch(batch, _build_existing_records(stored))
        write_batch(
            session,
            inserts=[each.insert_columns for each in decisions if each.insert_columns],
            updates=[(each.item_key, each.update_columns) for each in decisions if each.update_columns],
            mentions=[(each.item_key, each.mention_columns) for each in decisions if each.mention_columns],
            aliases=[(key, each.item_key, reason) for each in decisions for key, reason in each.aliases.items()],
            links=[
                row
                for item, each in zip(batch, decisions, strict=True)
                if each.mention_columns
                for row in item.build_link_rows()
            ],
        )
    for item, decision in zip(batch, decisions, strict=True):
        outcomes[item.source_id][decision.outcome] += 1
    return outcomes


def ingest_entries(
    session: Session, source: Source, entries: Iterable[Entry], now: datetime, *, is_first_fetch: bool = False
) -> tuple[Counter[str], list[str]]:
    """Store entries that a person added; return counts with "found", and why entries were rejected."""
    outcomes = [normalize_entry(entry, source, now, is_first_fetch=is_first_fetch) for entry in entries]
    rejected = [outcome for outcome in outcomes if isinstance(outcome, RejectedEntry)]
    counts = ingest_items(session, [outcome for outcome in outcomes if isinstance(outcome, PreparedItem)])
    counts["found"] = len(outcomes)
    counts["rejected"] += len(rejected)
    return counts, [f"{entry.title or entry.url or 'an item'}: {entry.reason}" for entry in rejected]


@contextmanager
def _pause_garbage_collection() -> Iterator[None]:
    """Spare the search for dead cycles: what a batch creates is needed until it is written."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _build_existing_records(stored: StoredBatch) -> ExistingRecords:
    """Build the values that `decide_batch` takes; a row that several keys reach becomes one value."""
    items: dict[int, ExistingItem] = {}

    def to_item(row: Row) -> ExistingItem:
        if row["id"] not in items:
            items[row["id"]] = ExistingItem(**{name: row[name] for name in ExistingItem.__slots__})
        return items[row["id"]]

    return ExistingRecords(
        {key: ExistingMention(row["item_key"], row["digest"], row["url"]) for key, row in stored.mentions.items()},
        {key: to_item(row) for key, row in stored.items.items()},
        {title: [to_item(row) for row in rows] for title, rows in stored.titles.items()},
        stored.tombstones,
    )
