"""Merging two items into one and taking it back: nothing is deleted, and what moved is noted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, or_, select, update

from digest.errors import ConfigError
from digest.models import Alias, Item, Mention, PossibleDuplicate
from digest.store import settings
from digest.store.database import in_list, upsert


def merge_items(session: Session, item: Item, into: Item, now: datetime) -> int:
    """Give an item's mentions and aliases to another, and note which; returns how many mentions moved."""
    if item.id == into.id:
        raise ConfigError(f"{item.key} is that item already", "name two different items")
    mentions = list(session.exec(select(Mention.id).where(Mention.item_id == item.id)))
    aliases = list(session.exec(select(Alias.key).where(Alias.item_id == item.id)))
    settings.save_value(session, _get_merge_record_name(item), {"mentions": mentions, "aliases": aliases}, now)
    _move_mentions(session, mentions, aliases, into.id or 0)
    upsert(session, Alias, [{"key": item.key, "item_id": into.id, "reason": "merged"}], ["key"], ["item_id"])
    item.merged_into = into.id
    session.add(item)
    _set_duplicate_state(session, item.id or 0, into.id or 0, "merged")
    return len(mentions)


def undo_merge(session: Session, item: Item) -> int:
    """Take a merge back: the item gets what was its own; returns how many mentions."""
    if item.merged_into is None:
        raise ConfigError(f"{item.key} is not merged into another", "`digest items show ITEM` tells what is")
    noted = settings.load_value(session, _get_merge_record_name(item))
    _move_mentions(session, noted.get("mentions", []), noted.get("aliases", []), item.id or 0)
    alias = session.get(Alias, item.key)
    if alias is not None:
        session.delete(alias)
    _set_duplicate_state(session, item.id or 0, item.merged_into, "distinct")
    item.merged_into = None
    session.add(item)
    return len(noted.get("mentions", []))


def mark_distinct(session: Session, item: Item, other: Item, now: datetime) -> None:
    """Note that two items are different works, so that nobody is asked again; raises ConfigError for one item."""
    if item.id == other.id:
        raise ConfigError(f"{item.key} is one item", "name two different ones")
    add_possible_duplicates(session, [(item.id or 0, other.id or 0, 0.0, "")], now)
    _set_duplicate_state(session, item.id or 0, other.id or 0, "distinct")


def load_merged_keys(session: Session) -> dict[str, tuple[str, str]]:
    """The keys of all merged items, each with the key and the address of the item it ended up in."""
    rows = list(session.exec(select(Item.id, Item.key, Item.merged_into).where(col(Item.merged_into) > 0)))
    into = {number: target for number, _, target in rows}
    ends = {number: _follow_merge_chain(into, number) for number in into}
    query = select(Item.id, Item.key, Item.url).where(in_list(Item.id, [end or 0 for end in ends.values()]))
    there = {number: (key, url) for number, key, url in session.exec(query)}
    return {key: there[ends[number]] for number, key, _ in rows}


def _follow_merge_chain(into: dict[int | None, int | None], number: int | None) -> int | None:
    while number in into:
        number = into[number]
    return number


def _get_merge_record_name(item: Item) -> str:
    return f"merge:{item.id}"


def _move_mentions(session: Session, mentions: Sequence[int | None], aliases: Sequence[str], target_id: int) -> None:
    connection = session.connection()
    connection.execute(update(Mention).where(col(Mention.id).in_(mentions)).values(item_id=target_id))
    connection.execute(update(Alias).where(col(Alias.key).in_(aliases)).values(item_id=target_id))


def load_possible_duplicates(session: Session, ids: Collection[int]) -> dict[int, list[tuple[PossibleDuplicate, Item]]]:
    """What may be the same work as each item, and is still open, likeliest first."""
    wanted = set(ids)
    here = or_(in_list(PossibleDuplicate.item_id, wanted), in_list(PossibleDuplicate.other_id, wanted))
    query = select(PossibleDuplicate).where(PossibleDuplicate.state == "open", here)
    pairs = list(session.exec(query.order_by(col(PossibleDuplicate.score).desc())))
    ends = {number for pair in pairs for number in (pair.item_id, pair.other_id)}
    items = {item.id: item for item in session.exec(select(Item).where(in_list(Item.id, ends)))}
    out: dict[int, list[tuple[PossibleDuplicate, Item]]] = {}
    for pair in pairs:
        for one, other in ((pair.item_id, pair.other_id), (pair.other_id, pair.item_id)):
            if one in wanted and items[one].merged_into is None and items[other].merged_into is None:
                out.setdefault(one, []).append((pair, items[other]))
    return out


def add_possible_duplicates(session: Session, pairs: list[tuple[int, int, float, str]], now: datetime) -> None:
    """Keep possible duplicates for the editor; pairs a person has settled stay settled."""
    rows = [
        {"item_id": min(a, b), "other_id": max(a, b), "score": score, "reason": reason, "state": "open", "at": now}
        for a, b, score, reason in pairs
    ]
    upsert(session, PossibleDuplicate, rows, ["item_id", "other_id"])


def _set_duplicate_state(session: Session, item_id: int, other_id: int, state: str) -> None:
    session.connection().execute(
        update(PossibleDuplicate)
        .where(
            col(PossibleDuplicate.item_id) == min(item_id, other_id),
            col(PossibleDuplicate.other_id) == max(item_id, other_id),
        )
        .values(state=state)
    )
