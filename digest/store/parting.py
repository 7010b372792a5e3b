"""Taking back what intake joined by itself: the mentions of another key become an item of their own again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from digest.errors import ConfigError
from digest.models import Alias, Item, Mention
from digest.store import items, merging
from digest.text.names import build_title_key


def unmerge_mentions(session: Session, item: Item, key_or_number: str, now: datetime) -> tuple[Item, int]:
    """Give the mentions of the key `name` an item of their own; returns it, and how many mentions.

    With the item's own key or number the one other key is meant that it has; raises ConfigError when it has none, or
    several. The item's words go with the source that gave them; for the other of the two stands what is kept of its
    mention, until its source is read again.
    """
    joined: dict[str, list[Mention]] = {}
    for mention in items.load_item_mentions(session, item.id or 0):
        joined.setdefault(mention.own_key or item.key, []).append(mention)
    others = [key for key in joined if key != item.key]
    if len(joined) < 2:
        raise ConfigError(f"{item.key} is not merged with another", "`digest items show ITEM` tells what is")
    if key_or_number not in others and len(others) > 1:
        raise ConfigError(f"{item.key} is {len(joined)} keys in one", f"say which: {', '.join(others)}")
    key = key_or_number if key_or_number in others else others[0]
    if merged := items.find_item_by_own_key(session, key):
        return merged, merging.undo_merge(session, merged)
    gone = joined.pop(key)
    left = [mention for mentions in joined.values() for mention in mentions]
    takes_words = item.source_id not in {mention.source_id for mention in left}
    apart = _create_unmerged_item(session, gone, item if takes_words else None)
    if takes_words:
        _restore_from_mention(item, left[0])
    session.add(item)
    merging.mark_distinct(session, apart, item, now)
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
        mention.item_id = item.id or 0
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
        "summary": mention.words,
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
