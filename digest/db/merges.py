"""Merge two items; undo; unmerge a mention.

Merging two items into one and taking it back: nothing is deleted, and what moved is noted.

Taking back what intake joined by itself: the mentions of another key become an item of their own again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, or_, select, update

from digest.db.engine import in_list, upsert
from digest.db.items import find_item_by_own_key, load_item_mentions
from digest.db.key_value import load_value, save_value
from digest.errors import ConfigError
from digest.models.items import Alias, Item, Mention, PossibleDuplicate
from digest.text.names import build_title_key


def merge_items(session: Session, item: Item, into: Item, now: datetime) -> int:
    """Give an item's mentions and aliases to another, and note which; returns how many mentions moved."""
    if item.id == into.id:
        raise ConfigError(f"{item.key} is that item already", "name two different items")
    mentions = list(session.exec(select(Mention.id).where(Mention.item_id == item.id)))
    aliases = list(session.exec(select(Alias.key).where(Alias.item_id == item.id)))
    save_value(session, _get_merge_record_name(item), {"mentions": mentions, "aliases": aliases}, now)
    _move_mentions(session, mentions, aliases, into.id)
    upsert(session, Alias, [{"key": item.key, "item_id": into.id, "reason": "merged"}], ["key"], ["item_id"])
    item.merged_into = into.id
    session.add(item)
    _set_duplicate_state(session, item.id, into.id, "merged")
    return len(mentions)


def undo_merge(session: Session, item: Item) -> int:
    """Take a merge back: the item gets what was its own; returns how many mentions."""
    if item.merged_into is None:
        raise ConfigError(f"{item.key} is not merged into another", "`digest items show ITEM` tells what is")
    noted = load_value(session, _get_merge_record_name(item))
    _move_mentions(session, noted.get("mentions", []), noted.get("aliases", []), item.id)
    alias = session.get(Alias, item.key)
    if alias is not None:
        session.delete(alias)
    _set_duplicate_state(session, item.id, item.merged_into, "distinct")
    item.merged_into = None
    session.add(item)
    return len(noted.get("mentions", []))


def mark_distinct(session: Session, item: Item, other: Item, now: datetime) -> None:
    """Note that two items are different works, so that nobody is asked again; raises ConfigError for one item."""
    if item.id == other.id:
        raise ConfigError(f"{item.key} is one item", "name two different ones")
    add_possible_duplicates(session, [(item.id, other.id, 0.0, "")], now)
    _set_duplicate_state(session, item.id, other.id, "distinct")


def load_merged_keys(session: Session) -> dict[str, tuple[str, str]]:
    """The keys of all merged items, each with the key and the address of the item it ended up in."""
    rows = list(session.exec(select(Item.id, Item.key, Item.merged_into).where(col(Item.merged_into) > 0)))
    targets = {item_id: target or 0 for item_id, _, target in rows}
    for item_id, target in targets.items():
        while target in targets:
            target = targets[target]
        targets[item_id] = target
    query = select(Item.id, Item.key, Item.url).where(in_list(Item.id, targets.values()))
    remaining = {item_id: (key, url) for item_id, key, url in session.exec(query)}
    return {key: remaining[targets[item_id]] for item_id, key, _ in rows}


def _get_merge_record_name(item: Item) -> str:
    return f"merge:{item.id}"


def _move_mentions(session: Session, mentions: Sequence[int], aliases: Sequence[str], target_id: int) -> None:
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


def unmerge_mentions(session: Session, item: Item, key_or_number: str, now: datetime) -> tuple[Item, int]:
    """Give the mentions of the key `name` an item of their own; returns it, and how many mentions.

    With the item's own key or number the one other key is meant that it has; raises ConfigError when it has none, or
    several. The item's words go with the source that gave them; for the other of the two stands what is kept of its
    mention, until its source is read again.
    """
    joined: dict[str, list[Mention]] = {}
    for mention in load_item_mentions(session, item.id):
        joined.setdefault(mention.own_key or item.key, []).append(mention)
    others = [key for key in joined if key != item.key]
    if len(joined) < 2:
        raise ConfigError(f"{item.key} is not merged with another", "`digest items show ITEM` tells what is")
    if key_or_number not in others and len(others) > 1:
        raise ConfigError(f"{item.key} is {len(joined)} keys in one", f"say which: {', '.join(others)}")
    key = key_or_number if key_or_number in others else others[0]
    if merged := find_item_by_own_key(session, key):
        return merged, undo_merge(session, merged)
    gone = joined.pop(key)
    left = [mention for mentions in joined.values() for mention in mentions]
    takes_words = item.source_id not in {mention.source_id for mention in left}
    apart = _create_unmerged_item(session, gone, item if takes_words else None)
    if takes_words:
        _restore_from_mention(item, left[0])
    session.add(item)
    mark_distinct(session, apart, item, now)
    return apart, len(gone)


def _create_unmerged_item(session: Session, mentions: Sequence[Mention], text_source: Item | None) -> Item:
    """The item that stands for these mentions from now on, with another's `words` if they are theirs."""
    first = mentions[0]
    if alias := session.get(Alias, first.own_key):
        session.delete(alias)
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
    """Let the item say what is kept of a mention, until its source is read again."""
    paper = mention.own_key.startswith(("arxiv:", "doi:"))
    home = f"https://arxiv.org/abs/{mention.own_key.removeprefix('arxiv:')}"
    said: dict[str, Any] = {
        "kind": "paper" if paper else "post",
        "title": mention.title,
        "title_source": None,
        "title_key": build_title_key(mention.title),
        "url": home if mention.own_key.startswith("arxiv:") else mention.url,
        "authors": [],
        "summary": mention.text,
        "content": "",
        "source_id": mention.source_id,
        "venue": None,
        "comment": None,
        "categories": [],
        "links": {},
        "published": mention.published,
        "date_flag": None if mention.published else "missing",
        "updated": None,
        "version": None,
        "withdrawn": None,
        "rewordings": 0,
        "digest": "",
    }
    for name, value in said.items():
        setattr(item, name, value)
    mention.digest = ""  # so that the next fetch takes it for changed
