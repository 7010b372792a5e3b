"""Merge two items into one and undo it. Nothing is deleted, and what moved is recorded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select, update

from digest.db.bulk import in_list, upsert
from digest.db.items import find_item_by_own_key, load_item_mentions
from digest.db.key_value import load_value, save_value
from digest.errors import ConfigError
from digest.models.items import Alias, Item, Mention, PossibleDuplicate
from digest.text.names import build_title_key

_SHOW_HINT = "run `digest items show ITEM` to see what is merged"


def merge_items(session: Session, item: Item, into: Item, now: datetime) -> int:
    """Give an item's mentions and aliases to another; return how many mentions moved."""
    if item.id == into.id:
        raise ConfigError(f"{item.key} is that item already", "name two different items")
    mentions = list(session.exec(select(Mention.id).where(Mention.item_id == item.id)))
    aliases = list(session.exec(select(Alias.key).where(Alias.item_id == item.id)))
    save_value(session, f"merge:{item.id}", {"mentions": mentions, "aliases": aliases}, now)
    _move_mentions(session, mentions, aliases, into.id)
    upsert(session, Alias, [{"key": item.key, "item_id": into.id, "reason": "merged"}], ["key"], ["item_id"])
    item.merged_into = into.id
    session.add(item)
    _set_duplicate_state(session, item.id, into.id, "merged")
    return len(mentions)


def undo_merge(session: Session, item: Item) -> int:
    """Give an item back what was its own before the merge; return how many mentions."""
    if item.merged_into is None:
        raise ConfigError(f"{item.key} is not merged into another", _SHOW_HINT)
    moved = load_value(session, f"merge:{item.id}")
    _move_mentions(session, moved.get("mentions", []), moved.get("aliases", []), item.id)
    _delete_alias(session, item.key)
    _set_duplicate_state(session, item.id, item.merged_into, "distinct")
    item.merged_into = None
    session.add(item)
    return len(moved.get("mentions", []))


def unmerge_mentions(session: Session, item: Item, key_or_number: str, now: datetime) -> tuple[Item, int]:
    """Give the mentions of a key that ingest merged an item of their own; return it, and how many mentions.

    With the item's own key or number, its one other key is meant; raises ConfigError when it has none, or several.
    The item's text goes with the source that gave it. The other item gets the text of its mention, until its source
    is fetched again.
    """
    by_key: dict[str, list[Mention]] = {}
    for mention in load_item_mentions(session, item.id):
        by_key.setdefault(mention.own_key or item.key, []).append(mention)
    others = [key for key in by_key if key != item.key]
    if len(by_key) < 2:
        raise ConfigError(f"{item.key} is not merged with another", _SHOW_HINT)
    if key_or_number not in others and len(others) > 1:
        raise ConfigError(f"{item.key} is {len(by_key)} keys in one", f"name one of them: {', '.join(others)}")
    key = key_or_number if key_or_number in others else others[0]
    if merged := find_item_by_own_key(session, key):
        return merged, undo_merge(session, merged)
    leaving = by_key.pop(key)
    staying = [mention for mentions in by_key.values() for mention in mentions]
    takes_text = item.source_id not in {mention.source_id for mention in staying}
    unmerged = _create_unmerged_item(session, leaving, item if takes_text else None)
    if takes_text:
        _restore_from_mention(item, staying[0])
    session.add(item)
    mark_distinct(session, unmerged, item, now)
    return unmerged, len(leaving)


def _create_unmerged_item(session: Session, mentions: Sequence[Mention], text_source: Item | None) -> Item:
    """Create the item of these mentions, with the text of `text_source` or of the first of them."""
    first = mentions[0]
    _delete_alias(session, first.own_key)
    session.flush()
    own: dict[str, Any] = {"key": first.own_key, "first_seen": first.first_seen}
    if text_source:
        item = Item(**text_source.model_dump(exclude={"id", *own}), **own)
    else:
        item = Item(**own, title="", url="", source_id="")
        _restore_from_mention(item, first)
    session.add(item)
    session.flush()
    session.add_all(mentions)
    for mention in mentions:
        mention.item_id = item.id
    return item


def _restore_from_mention(item: Item, mention: Mention) -> None:
    """Set an item's fields to what is stored of a mention, until its source is fetched again."""
    is_arxiv = mention.own_key.startswith("arxiv:")
    values: dict[str, Any] = {
        "kind": "paper" if is_arxiv or mention.own_key.startswith("doi:") else "post",
        "title": mention.title,
        "title_key": build_title_key(mention.title),
        "url": f"https://arxiv.org/abs/{mention.own_key.removeprefix('arxiv:')}" if is_arxiv else mention.url,
        "summary": mention.text,
        "source_id": mention.source_id,
        "published": mention.published,
        "date_flag": None if mention.published else "missing",
        **dict.fromkeys(("title_source", "venue", "comment", "updated", "version", "withdrawn")),
        **{"authors": [], "content": "", "categories": [], "links": {}, "rewordings": 0, "digest": ""},
    }
    for name, value in values.items():
        setattr(item, name, value)
    mention.digest = ""  # so that the next fetch takes it for changed


def load_merged_keys(session: Session) -> dict[str, tuple[str, str]]:
    """Load the keys of all merged items, each with the key and the URL of the item it ended up in."""
    rows = list(session.exec(select(Item.id, Item.key, Item.merged_into).where(col(Item.merged_into) > 0)))
    targets = {item_id: target or 0 for item_id, _, target in rows}
    for item_id, target in targets.items():
        while target in targets:
            target = targets[target]
        targets[item_id] = target
    query = select(Item.id, Item.key, Item.url).where(in_list(Item.id, targets.values()))
    remaining = {item_id: (key, url) for item_id, key, url in session.exec(query)}
    return {key: remaining[targets[item_id]] for item_id, key, _ in rows}


def load_possible_duplicates(session: Session, ids: Collection[int]) -> dict[int, list[tuple[PossibleDuplicate, Item]]]:
    """Load the open possible duplicates of each item, likeliest first."""
    wanted = set(ids)
    either = or_(in_list(PossibleDuplicate.item_id, wanted), in_list(PossibleDuplicate.other_id, wanted))
    query = select(PossibleDuplicate).where(PossibleDuplicate.state == "open", either)
    pairs = list(session.exec(query.order_by(col(PossibleDuplicate.score).desc())))
    ends = {number for pair in pairs for number in (pair.item_id, pair.other_id)}
    items = {item.id: item for item in session.exec(select(Item).where(in_list(Item.id, ends)))}
    duplicates: dict[int, list[tuple[PossibleDuplicate, Item]]] = {}
    for pair in pairs:
        for item_id, other_id in ((pair.item_id, pair.other_id), (pair.other_id, pair.item_id)):
            if item_id in wanted and items[item_id].merged_into is None and items[other_id].merged_into is None:
                duplicates.setdefault(item_id, []).append((pair, items[other_id]))
    return duplicates


def add_possible_duplicates(session: Session, pairs: list[tuple[int, int, float, str]], now: datetime) -> None:
    """Store possible duplicates for the editor; a pair that a person has decided stays decided."""
    rows = [
        {"item_id": min(a, b), "other_id": max(a, b), "score": score, "reason": reason, "state": "open", "at": now}
        for a, b, score, reason in pairs
    ]
    upsert(session, PossibleDuplicate, rows, ["item_id", "other_id"])


def mark_distinct(session: Session, item: Item, other: Item, now: datetime) -> None:
    """Record that two items are different works; raises ConfigError for one item."""
    if item.id == other.id:
        raise ConfigError(f"{item.key} is one item", "name two different ones")
    add_possible_duplicates(session, [(item.id, other.id, 0.0, "")], now)
    _set_duplicate_state(session, item.id, other.id, "distinct")


def _set_duplicate_state(session: Session, item_id: int, other_id: int, state: str) -> None:
    first, second = sorted((item_id, other_id))
    pair = (col(PossibleDuplicate.item_id) == first) & (col(PossibleDuplicate.other_id) == second)
    session.connection().execute(update(PossibleDuplicate).where(pair).values(state=state))


def _move_mentions(session: Session, mentions: Sequence[int], aliases: Sequence[str], target_id: int) -> None:
    connection = session.connection()
    connection.execute(update(Mention).where(in_list(Mention.id, mentions)).values(item_id=target_id))
    connection.execute(update(Alias).where(in_list(Alias.key, aliases)).values(item_id=target_id))


def _delete_alias(session: Session, key: str) -> None:
    if alias := session.get(Alias, key):
        session.delete(alias)
