"""Queries on the links of posts to works: which works several sources name, and who names an item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, union
from sqlmodel import Session, col, select

from digest.db.bulk import in_list, upsert
from digest.models.items import NAMING_PREFIX, RADAR_SOURCE, Alias, Item, Mention, OutboundLink, Tombstone

_NAMING_UPDATES = ("item_id", "url", "title", "published", "digest", "own_key", "text")


def load_unknown_works(session: Session, start: datetime, end: datetime, least: int) -> dict[str, list[OutboundLink]]:
    """Load the links of a time to works that are no items and that `least` sources name, by the work's key."""
    keys = (
        select(OutboundLink.key)
        .where(*_within(start, end))
        .where(col(OutboundLink.key).not_in(union(select(Item.key), select(Alias.key), select(Tombstone.key))))
        .group_by(OutboundLink.key)
        .having(func.count(func.distinct(OutboundLink.source_id)) >= least)
    )
    query = select(OutboundLink).where(*_within(start, end), col(OutboundLink.key).in_(keys))
    out: dict[str, list[OutboundLink]] = {}
    for link in session.exec(query.order_by(col(OutboundLink.at), col(OutboundLink.id))):
        out.setdefault(link.key, []).append(link)
    return out


def load_known_works(session: Session, start: datetime, end: datetime) -> dict[int, list[OutboundLink]]:
    """Load the links of a time to works that are items, by the item's id; merged items follow their target."""
    target = func.coalesce(Item.merged_into, Item.id)
    by_key = select(target, OutboundLink).where(OutboundLink.key == Item.key, *_within(start, end))
    by_alias = select(target, OutboundLink).where(
        OutboundLink.key == Alias.key, Alias.item_id == Item.id, *_within(start, end)
    )
    out: dict[int, dict[int, OutboundLink]] = {}
    for query in (by_key, by_alias):
        for item_id, link in session.exec(query):
            out.setdefault(item_id, {})[link.id] = link
    return {number: sorted(links.values(), key=lambda link: (link.at, link.id)) for number, links in out.items()}


def save_namings(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store mentions that are links in posts; one that exists takes the new values."""
    upsert(session, Mention, rows, ["source_id", "guid"], _NAMING_UPDATES)


def save_work_alias(session: Session, key: str, item_id: int) -> None:
    """Store the key of a linked address as another one of the item that its page turned out to be."""
    upsert(session, Alias, [{"key": key, "item_id": item_id, "reason": "an address that sources link to"}], ["key"])


def load_naming_sources(session: Session, ids: Iterable[int], listing_ids: Iterable[str]) -> dict[int, list[str]]:
    """Load the ids of the sources that link to each item in a post, or list it as `listing_ids` do, the first first."""
    first = func.min(func.coalesce(Mention.published, Mention.first_seen))
    names = col(Mention.guid).startswith(NAMING_PREFIX) | in_list(Mention.source_id, listing_ids)
    query = (
        select(Mention.item_id, Mention.source_id)
        .where(in_list(Mention.item_id, ids), Mention.source_id != RADAR_SOURCE, names)
        .group_by(col(Mention.item_id), col(Mention.source_id))
        .order_by(first, col(Mention.source_id))
    )
    out: dict[int, list[str]] = {}
    for item_id, source_id in session.exec(query):
        out.setdefault(item_id, []).append(source_id)
    return out


def load_namings(session: Session, ids: Iterable[int]) -> dict[int, list[Mention]]:
    """Load the links in posts that name each item, the first first."""
    query = select(Mention).where(in_list(Mention.item_id, ids), Mention.source_id != RADAR_SOURCE)
    query = query.where(col(Mention.guid).startswith(NAMING_PREFIX))
    out: dict[int, list[Mention]] = {}
    for mention in session.exec(query.order_by(col(Mention.published), col(Mention.id))):
        out.setdefault(mention.item_id, []).append(mention)
    return out


def _within(start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(OutboundLink.at) >= start, col(OutboundLink.at) < end
