"""Collect what others, and earlier issues, said about an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from digest.config.schema import Config
from digest.db.issues import load_past_blurbs
from digest.db.items import load_mentions
from digest.drafts.archive import ARCHIVE_SOURCE
from digest.models.items import Item, Mention
from digest.periods import Period
from digest.text import normalise_line

_INTERNAL_LABELS = {"manual": "added by hand", ARCHIVE_SOURCE.id: ARCHIVE_SOURCE.label}


@dataclass(frozen=True, slots=True)
class ItemMention:
    """One place that named an item. `when` is a day, or the period of an issue; `text` may be empty."""

    who: str
    when: str
    text: str = ""
    url: str = ""


def collect_item_mentions(
    config: Config, session: Session, period: Period, items: Sequence[Item]
) -> dict[int, list[ItemMention]]:
    """Collect by item id: the earlier issues that covered it, then each source that mentions it, first seen first."""
    ids = [item.id for item in items]
    rows = load_mentions(session, ids)
    mentions: dict[int, list[ItemMention]] = {item_id: [] for item_id in ids}
    for item_id, name, blurb in load_past_blurbs(session, ids, period.name):
        mentions[item_id].append(ItemMention("an issue of yours", name, normalise_line(blurb)))
    for item in items:
        own_text = normalise_line(f"{item.summary}\n{item.content}")
        for row in _select_longest(rows.get(item.id, ())):
            text, day = normalise_line(row.text), (row.published or row.first_seen).date().isoformat()
            label = get_source_label(config, row.source_id)
            mentions[item.id].append(ItemMention(label, day, "" if text in own_text else text, row.url))
    return mentions


def get_source_label(config: Config, source_id: str) -> str:
    """Return a source's label in the workspace."""
    source = config.find_source(source_id)
    return source.label if source else _INTERNAL_LABELS.get(source_id, source_id)


def _select_longest(mentions: Sequence[Mention]) -> list[Mention]:
    """Select the longest mention of each source; past issues come from their decisions instead."""
    longest: dict[str, Mention] = {}
    for mention in mentions:
        previous = longest.get(mention.source_id)
        if mention.source_id != ARCHIVE_SOURCE.id and (previous is None or len(mention.text) > len(previous.text)):
            longest[mention.source_id] = mention
    return list(longest.values())
