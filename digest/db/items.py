"""Queries on items and mentions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select

from digest.db.bulk import in_list
from digest.errors import NotFoundError
from digest.models.items import NAMING_PREFIX, RADAR_SOURCE, Alias, Item, Mention

_IS_OF_A_SOURCE = col(Mention.source_id) != RADAR_SOURCE  # the radar marks candidates; sources name them


def load_period_items(session: Session, start: datetime, end: datetime) -> list[Item]:
    """Load a period's items by publication, or by first sight without a date; merged ones are left out."""
    return list(session.exec(select(Item).where(*build_period_conditions(start, end)).order_by(col(Item.id))))


def has_items_without_prefix(session: Session, prefix: str, start: datetime, end: datetime) -> bool:
    """Return whether a period has an item whose key has another prefix."""
    query = select(Item.id).where(*build_period_conditions(start, end), ~col(Item.key).startswith(prefix)).limit(1)
    return session.exec(query).first() is not None


def build_period_conditions(start: datetime, end: datetime) -> tuple[ColumnElement[bool], ...]:
    """Build the conditions of a period's items: by publication, or by first sight without a date; not merged."""
    dated = (col(Item.published) >= start) & (col(Item.published) < end)
    undated = col(Item.published).is_(None) & (col(Item.first_seen) >= start) & (col(Item.first_seen) < end)
    undated &= col(Item.date_flag).is_(None) | (col(Item.date_flag) != "backlog")  # not news: there before we looked
    named = select(Mention.item_id).where(
        Mention.source_id == RADAR_SOURCE, col(Mention.guid).startswith(NAMING_PREFIX)
    )
    named = named.where(col(Mention.published) >= start, col(Mention.published) < end)
    return or_(dated, undated, col(Item.id).in_(named)), col(Item.merged_into).is_(None)


def load_textless_items(session: Session, source_ids: Sequence[str], since: datetime, limit: int) -> list[Item]:
    """Load items first seen since a moment without summary and text, the newest `limit` of each source."""
    rank = func.row_number().over(
        partition_by=col(Item.source_id), order_by=(col(Item.published).desc().nulls_last(), col(Item.id))
    )
    conditions = (in_list(Item.source_id, source_ids), col(Item.first_seen) >= since, col(Item.merged_into).is_(None))
    ranked = select(Item.id, rank.label("place")).where(*conditions, Item.summary == "", Item.content == "").subquery()
    query = select(Item).join(ranked, col(Item.id) == ranked.c.id).where(ranked.c.place <= limit)
    return list(session.exec(query.order_by(col(Item.id))))


def load_items_by_id(session: Session, ids: Iterable[int]) -> dict[int, Item]:
    """Load items by id; unknown ids are left out."""
    return {item.id: item for item in session.exec(select(Item).where(in_list(Item.id, ids)))}


def load_items_by_key(session: Session, keys: Sequence[str]) -> dict[str, Item]:
    """Load items by key or alias, following merges; unknown keys are left out."""
    out = {item.key: item for item in session.exec(select(Item).where(in_list(Item.key, keys)))}
    for alias, item in session.exec(select(Alias, Item).where(in_list(Alias.key, keys), Alias.item_id == Item.id)):
        out.setdefault(alias.key, item)
    merged = {item.merged_into for item in out.values() if item.merged_into}
    targets = load_items_by_id(session, merged) if merged else {}
    return {key: targets.get(item.merged_into or 0, item) for key, item in out.items()}


def get_item(session: Session, name: str) -> Item:
    """Return an item by its number or key; raise NotFoundError."""
    item = session.get(Item, int(name)) if name.isdigit() else load_items_by_key(session, [name]).get(name)
    if item is None:
        raise NotFoundError(f"no item {name!r}", "`digest search WORDS` lists items with their keys")
    return item


def find_item_by_own_key(session: Session, key: str) -> Item | None:
    """Find the item of exactly that key, also when it was merged into another."""
    return session.exec(select(Item).where(Item.key == key)).first()


def count_mentioning_sources(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """Count the sources that mention each item."""
    counted = select(Mention.item_id, func.count(func.distinct(Mention.source_id))).where(_IS_OF_A_SOURCE)
    return dict(session.exec(counted.where(in_list(Mention.item_id, ids)).group_by(col(Mention.item_id))).all())


def count_sources_of_popular_items(session: Session, start: datetime, end: datetime, least: int) -> dict[str, int]:
    """Count the sources of each of a period's works that at least `least` sources mention, by key."""
    count = func.count(func.distinct(Mention.source_id))
    query = (
        select(Item.key, count)
        .where(Mention.item_id == Item.id, _IS_OF_A_SOURCE)
        .where(col(Item.merged_into).is_(None), col(Item.withdrawn).is_(None))
        .where(col(Item.published) >= start, col(Item.published) < end)
        .group_by(Item.key)
        .having(count >= least)
    )
    return dict(session.exec(query).all())


def load_item_mentions(session: Session, item_id: int) -> list[Mention]:
    """Load the mentions of an item, first seen first."""
    query = select(Mention).where(Mention.item_id == item_id, _IS_OF_A_SOURCE)
    return list(session.exec(query.order_by(col(Mention.first_seen))))


def load_mentions(session: Session, ids: Sequence[int]) -> dict[int, list[Mention]]:
    """Load the mentions of each item, first seen first."""
    query = select(Mention).where(in_list(Mention.item_id, ids), _IS_OF_A_SOURCE)
    query = query.order_by(col(Mention.first_seen), col(Mention.id))
    out: dict[int, list[Mention]] = {}
    for mention in session.exec(query):
        out.setdefault(mention.item_id, []).append(mention)
    return out


def count_items_by_source(session: Session, start: datetime, end: datetime) -> dict[str, int]:
    """Count the items of a period that each source was the first to bring."""
    query = (
        select(Item.source_id, func.count())
        .where(col(Item.published) >= start, col(Item.published) < end, col(Item.merged_into).is_(None))
        .group_by(Item.source_id)
    )
    return dict(session.exec(query).all())


def count_items(session: Session) -> int:
    """Count the items that are not merged into another."""
    return session.exec(select(func.count(col(Item.id))).where(col(Item.merged_into).is_(None))).one()


def count_all_items_by_source(session: Session) -> dict[str, int]:
    """Count the items that each source was the first to bring, of all time."""
    return dict(session.exec(select(Item.source_id, func.count()).group_by(Item.source_id)).all())
