"""Takes found items into the store: prepare, look up, decide, write, all in the caller's one transaction."""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlmodel import Session

from digest.config import Source
from digest.intake import Known, KnownItem, KnownMention, Prepared, Rejected, decide, prepare, wanted
from digest.ports import Found
from digest.store import arrivals
from digest.store.arrivals import Row, Stored


def take_in(session: Session, batch: Sequence[Prepared]) -> Counter[str]:
    """Store a batch and return how many items met which fate: new, revised, unchanged, duplicate, rejected."""
    return sum(take_in_each(session, batch).values(), Counter())


def take_in_each(session: Session, batch: Sequence[Prepared]) -> dict[str, Counter[str]]:
    """Store a batch of one or several sources and return the fates by source."""
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    if not batch:
        return fates
    with _uncollected():
        sought = wanted(batch)
        decided = decide(batch, _known(arrivals.stored(session, sought.places, sought.keys, sought.title_keys)))
        arrivals.write(
            session,
            inserts=[arrival.insert for arrival in decided if arrival.insert],
            updates=[(arrival.item_key, arrival.update) for arrival in decided if arrival.update],
            mentions=[(arrival.item_key, arrival.mention) for arrival in decided if arrival.mention],
            aliases=[(key, arrival.item_key, why) for arrival in decided for key, why in arrival.aliases.items()],
        )
    for item, arrival in zip(batch, decided, strict=True):
        fates[item.source_id][arrival.outcome] += 1
    return fates


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without searches for dead cycles: what a batch makes lives until it is written."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def take_found(
    session: Session, source: Source, found: Iterable[Found], now: datetime
) -> tuple[Counter[str], list[str]]:
    """Prepare and store what a person brings in; returns counts with "found", and why items were rejected."""
    prepared = [prepare(each, source, now) for each in found]
    refused = [each for each in prepared if isinstance(each, Rejected)]
    counts = take_in(session, [each for each in prepared if isinstance(each, Prepared)])
    counts["found"] = len(prepared)
    counts["rejected"] += len(refused)
    return counts, [f"{each.title or each.url or 'an item'}: {each.reason}" for each in refused]


def _known(found: Stored) -> Known:
    """The store's rows as intake's values; a row that is reached by several keys stays one value."""
    values: dict[int, KnownItem] = {}

    def value(row: Row) -> KnownItem:
        if row["id"] not in values:
            values[row["id"]] = KnownItem(**{name: row[name] for name in KnownItem.__slots__})
        return values[row["id"]]

    return Known(
        mentions={
            place: KnownMention(row["item_key"], row["digest"], row["url"]) for place, row in found.mentions.items()
        },
        items={key: value(row) for key, row in found.items.items()},
        titles={title: [value(row) for row in rows] for title, rows in found.titles.items()},
        tombstones=found.tombstones,
    )
