"""What others said of a work, and what earlier issues said: who, when, and their words as a quotation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from digest.config.schema import Config
from digest.db.issues import load_past_blurbs
from digest.db.items import load_mentions
from digest.drafts.archive import ARCHIVE_SOURCE as ARCHIVE
from digest.models.items import Item, Mention
from digest.periods import Period
from digest.text import normalise_line

_INTERNAL_LABELS = {"manual": "added by hand", ARCHIVE.id: ARCHIVE.label}


@dataclass(frozen=True, slots=True)
class ItemMention:
    """One place that named a work. `when` is a day, or the period of an issue; `words` may be empty."""

    who: str
    when: str
    words: str = ""
    url: str = ""


def collect_item_mentions(
    config: Config, session: Session, period: Period, items: Sequence[Item]
) -> dict[int, list[ItemMention]]:
    """By item: the issues that had it before, then every source that mentions it, first seen first.

    What only repeats the work's own text is not said again.
    """
    ids = [item.id for item in items]
    mentions = load_mentions(session, ids)
    out: dict[int, list[ItemMention]] = {number: [] for number in ids}
    for number, name, words in load_past_blurbs(session, ids, period.name):
        out[number].append(ItemMention("an issue of yours", name, normalise_line(words)))
    for item in items:
        out[item.id] += [_build_item_mention(config, item, one) for one in _select_mentions(mentions.get(item.id, ()))]
    return out


def get_source_label(config: Config, source_id: str) -> str:
    """A source's name as the workspace calls it."""
    source = config.find_source(source_id)
    return source.label if source else _INTERNAL_LABELS.get(source_id, source_id)


def _select_mentions(mentions: Sequence[Mention]) -> list[Mention]:
    """Each source once, with the mention that says most; past issues are told by the decisions on them."""
    said: dict[str, Mention] = {}
    for mention in mentions:
        before = said.get(mention.source_id)
        if mention.source_id != ARCHIVE.id and (before is None or len(mention.text) > len(before.text)):
            said[mention.source_id] = mention
    return list(said.values())


def _build_item_mention(config: Config, item: Item, mention: Mention) -> ItemMention:
    words = normalise_line(mention.text)
    own = words in normalise_line(f"{item.summary}\n{item.content}")
    return ItemMention(
        get_source_label(config, mention.source_id), _get_mention_day(mention), "" if own else words, mention.url
    )


def _get_mention_day(mention: Mention) -> str:
    moment: datetime = mention.published or mention.first_seen
    day: date = moment.date()
    return day.isoformat()
