"""What others said of a work, and what earlier issues said: who, when, and their words as a quotation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from digest.config import Config
from digest.models import Item, Mention
from digest.periods import Period
from digest.pipeline.archive import SOURCE as ARCHIVE
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.text import one_line

_OURS = {"manual": "added by hand", ARCHIVE.id: ARCHIVE.label}


@dataclass(frozen=True, slots=True)
class Said:
    """One place that named a work. `when` is a day, or the period of an issue; `words` may be empty."""

    who: str
    when: str
    words: str = ""
    url: str = ""


def said_of(config: Config, session: Session, period: Period, items: Sequence[Item]) -> dict[int, list[Said]]:
    """By item: the issues that had it before, then every source that mentions it, first seen first.

    What only repeats the work's own text is not said again.
    """
    ids = [item.id or 0 for item in items]
    mentions = item_store.mentions_of(session, ids)
    out: dict[int, list[Said]] = {number: [] for number in ids}
    for number, name, words in issue_store.words_on(session, ids, period.name):
        out[number].append(Said("an issue of yours", name, one_line(words)))
    for item in items:
        out[item.id or 0] += [_said(config, item, one) for one in _once(mentions.get(item.id or 0, ()))]
    return out


def label(config: Config, source_id: str) -> str:
    """A source's name as the workspace calls it."""
    source = config.source(source_id)
    return source.label if source else _OURS.get(source_id, source_id)


def _once(mentions: Sequence[Mention]) -> list[Mention]:
    """Each source once, with the mention that says most; past issues are told by the decisions on them."""
    said: dict[str, Mention] = {}
    for mention in mentions:
        before = said.get(mention.source_id)
        if mention.source_id != ARCHIVE.id and (before is None or len(mention.words) > len(before.words)):
            said[mention.source_id] = mention
    return list(said.values())


def _said(config: Config, item: Item, mention: Mention) -> Said:
    words = one_line(mention.words)
    own = words in one_line(f"{item.summary}\n{item.content}")
    return Said(label(config, mention.source_id), _day(mention), "" if own else words, mention.url)


def _day(mention: Mention) -> str:
    moment: datetime = mention.published or mention.first_seen
    day: date = moment.date()
    return day.isoformat()
