"""Takes found items into the store: prepare, look up, decide, write, all in the caller's one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from digest import intake
from digest.config import Source
from digest.intake import Arrival, Known, KnownItem, KnownMention, Prepared, Rejected, Wanted
from digest.ports import Found
from digest.store import arrivals

_KNOWN = tuple(KnownItem.__dataclass_fields__)


def take_in(session: Session, batch: Sequence[Prepared], now: datetime) -> Counter[str]:
    """Store one source's prepared items; returns counts by outcome: new, revised, unchanged, duplicate, rejected."""
    if not batch:
        return Counter()
    decided = intake.decide(batch, _known(session, batch[0].source_id, intake.wanted(batch)))
    _write(session, decided)
    return Counter(arrival.outcome for arrival in decided)


def take_found(
    session: Session, source: Source, found: Iterable[Found], now: datetime
) -> tuple[Counter[str], list[str]]:
    """Prepare and store what a person brings in; returns counts with "found", and why items were rejected."""
    prepared = [intake.prepare(each, source, now) for each in found]
    refused = [each for each in prepared if isinstance(each, Rejected)]
    counts = take_in(session, [each for each in prepared if isinstance(each, Prepared)], now)
    counts["found"] = len(prepared)
    counts["rejected"] += len(refused)
    return counts, [f"{each.title or each.url or 'an item'}: {each.reason}" for each in refused]


def _known(session: Session, source_id: str, wanted: Wanted) -> Known:
    mentions = arrivals.mentions_of(session, source_id, wanted.guids)
    keys = wanted.keys | {key for key, _, _ in mentions.values()}
    items = {key: _item(row) for key, row in arrivals.items_under(session, keys).items()}
    titles: dict[str, list[KnownItem]] = {}
    for row in arrivals.items_titled(session, wanted.title_keys):
        titles.setdefault(row["title_key"], []).append(items.get(row["key"]) or _item(row))
    return Known(
        mentions={(source_id, guid): KnownMention(*row) for guid, row in mentions.items()},
        items=items,
        titles=titles,
        tombstones=arrivals.tombstones(session, wanted.keys),
    )


def _item(row: Mapping[str, Any]) -> KnownItem:
    return KnownItem(**{name: row[name] for name in _KNOWN})


def _write(session: Session, decided: Sequence[Arrival]) -> None:
    arrivals.insert_items(session, [arrival.insert for arrival in decided if arrival.insert])
    for arrival in decided:
        if arrival.update:
            arrivals.update_item(session, arrival.item_key, arrival.update)
    ids = arrivals.item_ids(session, {arrival.item_key for arrival in decided if arrival.mention or arrival.aliases})
    rows = {}
    for arrival in decided:
        if mention := arrival.mention:
            rows[mention["source_id"], mention["guid"]] = {"item_id": ids[arrival.item_key], **mention}
    arrivals.write_mentions(session, list(rows.values()))
    aliases = [
        {"key": key, "item_id": ids[arrival.item_key], "reason": reason}
        for arrival in decided
        for key, reason in arrival.aliases.items()
    ]
    arrivals.write_aliases(session, aliases)
