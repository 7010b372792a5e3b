"""Merging two items into one and taking it back: nothing is deleted, and what moved is noted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select, update

from digest.errors import ConfigError
from digest.models import Alias, Item, Mention, PossibleDuplicate
from digest.store import settings
from digest.store.database import among, upsert


def merge(session: Session, item: Item, into: Item, now: datetime) -> int:
    """Give an item's mentions and aliases to another, and note which; returns how many mentions moved."""
    if item.id == into.id:
        raise ConfigError(f"{item.key} is that item already", "name two different items")
    mentions = list(session.exec(select(Mention.id).where(Mention.item_id == item.id)))
    aliases = list(session.exec(select(Alias.key).where(Alias.item_id == item.id)))
    settings.write(session, _note(item), {"mentions": mentions, "aliases": aliases}, now)
    _give(session, mentions, aliases, into.id or 0)
    upsert(session, Alias, [{"key": item.key, "item_id": into.id, "reason": "merged"}], ["key"], ["item_id"])
    item.merged_into = into.id
    session.add(item)
    _settle(session, item.id or 0, into.id or 0, "merged")
    return len(mentions)


def split(session: Session, item: Item) -> int:
    """Take a merge back: the item gets what was its own; returns how many mentions."""
    if item.merged_into is None:
        raise ConfigError(f"{item.key} is not merged into another", "`digest items show ITEM` tells what is")
    noted = settings.read(session, _note(item))
    _give(session, noted.get("mentions", []), noted.get("aliases", []), item.id or 0)
    alias = session.get(Alias, item.key)
    if alias is not None:
        session.delete(alias)
    _settle(session, item.id or 0, item.merged_into, "distinct")
    item.merged_into = None
    session.add(item)
    return len(noted.get("mentions", []))


def _note(item: Item) -> str:
    return f"merge:{item.id}"


def _give(session: Session, mentions: Sequence[int | None], aliases: Sequence[str], to: int) -> None:
    connection = session.connection()
    connection.execute(update(Mention).where(col(Mention.id).in_(mentions)).values(item_id=to))
    connection.execute(update(Alias).where(col(Alias.key).in_(aliases)).values(item_id=to))


def possible(session: Session, item_id: int) -> list[tuple[PossibleDuplicate, Item]]:
    """What may be the same work as an item, and is still open."""
    pairs = session.exec(
        select(PossibleDuplicate).where(
            PossibleDuplicate.state == "open",
            or_(PossibleDuplicate.item_id == item_id, PossibleDuplicate.other_id == item_id),
        )
    )
    out = []
    for pair in pairs:
        other = session.get(Item, pair.other_id if pair.item_id == item_id else pair.item_id)
        if other is not None:
            out.append((pair, other))
    return out


def counterparts(session: Session, keys: Sequence[str]) -> dict[str, list[Item]]:
    """For each of the items' keys that has any: the items that may be the same work, the likeliest first."""
    one, other = aliased(Item), aliased(Item)
    pairs = session.exec(
        select(one, other)
        .join(PossibleDuplicate, col(PossibleDuplicate.item_id) == one.id)
        .join(other, col(PossibleDuplicate.other_id) == other.id)
        .where(PossibleDuplicate.state == "open", or_(among(one.key, keys), among(other.key, keys)))
        .order_by(col(PossibleDuplicate.score).desc(), col(PossibleDuplicate.id))
    )
    wanted, found = frozenset(keys), defaultdict[str, list[Item]](list)
    for first, second in pairs:
        for item, counterpart in ((first, second), (second, first)):
            if item.key in wanted:
                found[item.key].append(counterpart)
    return dict(found)


def flag(session: Session, pairs: list[tuple[int, int, float, str]], now: datetime) -> None:
    """Keep possible duplicates for the editor; pairs a person has settled stay settled."""
    rows = [
        {"item_id": min(a, b), "other_id": max(a, b), "score": score, "reason": reason, "state": "open", "at": now}
        for a, b, score, reason in pairs
    ]
    upsert(session, PossibleDuplicate, rows, ["item_id", "other_id"])


def _settle(session: Session, one: int, other: int, state: str) -> None:
    session.connection().execute(
        update(PossibleDuplicate)
        .where(col(PossibleDuplicate.item_id) == min(one, other), col(PossibleDuplicate.other_id) == max(one, other))
        .values(state=state)
    )
