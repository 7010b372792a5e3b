"""New, revised, unchanged, duplicate or rejected? A pure function of a batch and of what the store knows.

The rules, in order: a purged key stays away; a known guid keeps its item; a known key or alias is another mention of
its item; a telling title with an agreeing author or date is the same work, but never across two arXiv ids.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import chain
from operator import attrgetter
from typing import Any

from digest.intake.known import Known, KnownItem, KnownMention, Place, repeated, repeated_guid, telling
from digest.intake.prepared import Prepared
from digest.text import hexdigest
from digest.text.names import surnames

MOST_REWORDINGS = 24  # of one item; more come from texts that hold the time or count their readers
_SAME_TITLE_DAYS = 30
_JUST_NOW = timedelta(hours=1)  # a date as near to the asking is the server's clock, not the post's
_VALUES = attrgetter(*KnownItem.__slots__)  # in the order of its fields


@dataclass(slots=True)
class Arrival:
    """What to do with one prepared item.

    `item_key` names the item it belongs to. `insert` are the columns of a new item, `update` those to change on a known
    one, `mention` the mention's columns but for item_id; `aliases` maps further keys to the reason why they are known.
    """

    outcome: str  # new | revised | unchanged | duplicate | rejected
    item_key: str
    reason: str = ""
    insert: dict[str, Any] | None = None
    update: dict[str, Any] = field(default_factory=dict)
    mention: dict[str, Any] | None = None
    aliases: dict[str, str] = field(default_factory=dict)


def decide(batch: Sequence[Prepared], known: Known) -> list[Arrival]:
    """One arrival per prepared item, in order. Items of one batch are known to those after them."""
    desk = _Desk(known, repeated(batch).keys())
    return [desk.arrival(item) for item in batch]


class _Desk:
    """What is known, and what this batch has added to it so far."""

    def __init__(self, known: Known, repeated: Container[Place]) -> None:
        self._repeated = repeated
        every = {id(item): item for item in (*known.items.values(), *chain(*known.titles.values()))}
        own = {name: KnownItem(*_VALUES(item)) for name, item in every.items()}
        self._tombstones = known.tombstones
        self._mentions = dict(known.mentions)
        self._items = {key: own[id(item)] for key, item in known.items.items()}
        self._titles = {key: [own[id(item)] for item in items] for key, items in known.titles.items()}
        self._seen: set[Place] = set()

    def arrival(self, item: Prepared) -> Arrival:
        if item.key in self._tombstones:
            return Arrival("rejected", item.key, "purged before")
        item = self._with_own_guid(item)
        place = (item.source_id, item.guid)
        again = place in self._seen
        self._seen.add(place)
        mention = self._mentions.get(place)
        target = self._items.get(mention.item_key) if mention else None
        if mention and target:
            found = self._seen_again(item, target, mention, again)
        elif match := self._match(item):
            found = self._joined(item, *match)
        else:
            found = self._new(item)
        self._mentions[place] = KnownMention(found.item_key, item.mark, item.place)
        return found

    def _with_own_guid(self, item: Prepared) -> Prepared:
        """Several works under one guid in one document: all but the first ever seen get a guid of their own."""
        place = (item.source_id, item.guid)
        mention = self._mentions.get(place)
        clash = place in self._repeated and mention and self._own_key(mention.item_key) != self._own_key(item.key)
        return replace(item, guid=repeated_guid(item)) if clash else item

    def _own_key(self, key: str) -> str:
        known = self._items.get(key)
        return known.key if known else key

    def _seen_again(self, item: Prepared, known: KnownItem, mention: KnownMention, again: bool) -> Arrival:
        """The same source shows the same mention: unchanged, or a revision of the item it gave."""
        if again:
            return Arrival("duplicate", known.key, "twice in one document")
        touched = mention.digest != item.mark or mention.url != item.place
        update, reason = self._changes(item, known, changed=touched)
        outcome = "revised" if update else "unchanged"
        arrival = Arrival(
            outcome, known.key, reason, update=update, mention=item.mention_columns() if touched else None
        )
        if item.key not in self._items:
            arrival.aliases = self._alias(known, [item.key], "the source moved it")
        return self._remember(arrival, item, known)

    def _match(self, item: Prepared) -> tuple[KnownItem, str] | None:
        """The known item that this one is another mention of, with the reason."""
        for key in (item.key, *item.aliases):
            if known := self._items.get(key):
                return known, "same key" if key == item.key else f"same {key.partition(':')[0]}"
        for known in self._titles.get(item.title_key, ()) if telling(item.title_key) else ():
            if reason := _same_by_title(item, known):
                return known, reason
        return None

    def _joined(self, item: Prepared, known: KnownItem, reason: str) -> Arrival:
        """Another place where a known work is seen."""
        better = item.authority and not known.authority
        update, change = self._changes(item, known, changed=better or item.source_id == known.source_id)
        if item.arxiv and not known.arxiv:
            update |= {"url": item.url, "kind": "paper"}
        better = better and "title" in update
        arrival = Arrival("revised" if better else "duplicate", known.key, change if better else reason)
        arrival.update, arrival.mention = update, item.mention_columns()
        arrival.aliases = self._alias(known, (item.key, *item.aliases), reason)
        return self._remember(arrival, item, known)

    def _new(self, item: Prepared) -> Arrival:
        known = KnownItem(
            0, item.key, item.source_id, item.title, item.title_key, item.url, item.authors, item.summary, item.content,
            item.published, item.updated, item.announced, item.date_flag, item.version, item.withdrawn_on, item.digest,
        )  # fmt: skip
        self._items[item.key] = known
        self._titles.setdefault(item.title_key, []).append(known)
        aliases = self._alias(known, item.aliases, "given by the source")
        return Arrival("new", item.key, "", item.item_columns(), {}, item.mention_columns(), aliases)

    def _alias(self, known: KnownItem, keys: Iterable[str], reason: str) -> dict[str, str]:
        """The keys that nothing is known under yet, now this item's."""
        fresh = {key: reason for key in keys if key not in self._items}
        self._items.update(dict.fromkeys(fresh, known))
        return fresh

    def _changes(self, item: Prepared, known: KnownItem, *, changed: bool) -> tuple[dict[str, Any], str]:
        """The columns to change on a known item, and why."""
        update, reason = _gaps(item, known), "filled in"
        if item.announced and (known.announced is None or item.announced < known.announced):
            update["announced"] = item.announced
        if not _speaks_for(item, known):
            return update, reason if update else ""
        if known.version and item.version and item.version < known.version:
            return {}, "an older version"
        newer = bool(item.version and item.version > (known.version or 0))
        if item.withdrawn and not known.withdrawn:
            update["withdrawn"], reason = item.withdrawn_on, "withdrawn"
        elif known.withdrawn and newer and not item.withdrawn:
            update["withdrawn"], reason = None, "back after a withdrawal"
        times = 0 if newer or _edited(item, known) else known.rewordings + 1
        if newer or (changed and item.digest != known.digest and times <= MOST_REWORDINGS):
            reason = reason if "withdrawn" in update else f"version {item.version}" if newer else "its text changed"
            update |= {**item.text_columns(), **_kept(item, known), "rewordings": times}
        elif changed and item.authority:
            update |= item.fact_columns()
            reason = reason if "withdrawn" in update else "its facts changed"
        elif changed and item.url != known.url:
            update["url"], reason = item.url, "its address changed"
        return update, reason if update else ""

    def _remember(self, arrival: Arrival, item: Prepared, known: KnownItem) -> Arrival:
        """Later items of the batch see the changes."""
        for name, value in arrival.update.items():
            if name in KnownItem.__slots__:
                setattr(known, name, value)
        return arrival


def _same_by_title(item: Prepared, known: KnownItem) -> str:
    """Why an item with the same title is the same work, or ""."""
    if item.arxiv and known.arxiv:
        return ""
    if item.key.startswith("doi:") and known.key.startswith("doi:"):
        return ""
    days = abs(item.published - known.published) if item.published and known.published else None
    if item.source_id == known.source_id:
        same_day = days is not None and days < timedelta(days=1)
        return "same title on the same day" if same_day and _alike(item.summary, known.summary) else ""
    ours, theirs = surnames(item.authors), surnames(known.authors)
    if ours and theirs:
        return "same title and author" if ours & theirs else ""
    near = days is not None and days <= timedelta(days=_SAME_TITLE_DAYS)
    return "same title, near in time" if near else ""


def _alike(one: str, other: str) -> bool:
    """Whether two texts of one source with one title on one day are the same text, but for small corrections."""
    if not one or not other:
        return True
    from rapidfuzz import fuzz

    return fuzz.ratio(one[:2000], other[:2000]) >= 80


def _speaks_for(item: Prepared, known: KnownItem) -> bool:
    """Whether this source's words are the item's words: arXiv's before others', else those of the first source."""
    if item.authority or known.authority:
        return item.authority
    return item.source_id == known.source_id


def _edited(item: Prepared, known: KnownItem) -> bool:
    """Whether title or date say that the post was changed, and does not only show something else at each look."""
    dated = item.updated != known.updated and (not item.updated or item.first_seen - item.updated >= _JUST_NOW)
    return dated or item.title != known.title


def _gaps(item: Prepared, known: KnownItem) -> dict[str, Any]:
    """What the known item lacks and this mention has."""
    update: dict[str, Any] = {}
    if item.published and not known.published:
        update |= {"published": item.published, "date_flag": None}
    if item.authors and not known.authors:
        update["authors"] = item.authors
    if item.summary and not known.summary:
        update |= {"summary": item.summary, "content": known.content or item.content, "source_id": item.source_id}
    if update.keys() & {"authors", "summary"}:
        update["digest"] = hexdigest(
            known.title,
            "\x1e".join(update.get("authors", known.authors)),
            update.get("summary", known.summary),
            update.get("content", known.content),
        )
    return update


def _kept(item: Prepared, known: KnownItem) -> dict[str, Any]:
    """What a revision without a value must not take away."""
    kept: dict[str, Any] = {"version": item.version or known.version}
    if not item.authors:
        kept["authors"] = known.authors
    if not item.summary:
        kept |= {"summary": known.summary, "content": known.content}
    return kept
