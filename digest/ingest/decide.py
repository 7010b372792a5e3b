"""New, revised, duplicate? Pure decision over a batch.

New, revised, unchanged, duplicate or rejected? A pure function of a batch and of what the store knows.

The rules, in order: a purged key stays away; a known guid keeps its item; a known key or alias is another mention of
its item; a telling title with an agreeing author or date is the same work, but never across two arXiv ids.

What the store already knows of a batch: asked for with `wanted`, handed to `decide`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Any

from digest.ingest.normalize import PreparedItem
from digest.text import hash_texts
from digest.text.names import extract_surnames
from digest.urls.arxiv import extract_arxiv_id

MentionKey = tuple[str, str]  # a source and its guid


@dataclass(slots=True)
class ExistingItem:
    """A stored item, as far as intake looks at it. `id` is 0 while it waits in the same batch."""

    id: int
    key: str
    source_id: str
    title: str
    title_key: str
    url: str = ""
    authors: list[str] = field(default_factory=list)
    summary: str = ""
    content: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    announced: datetime | None = None
    date_flag: str | None = None
    version: int | None = None
    withdrawn: datetime | None = None
    digest: str = ""
    rewordings: int = 0

    @property
    def is_authority(self) -> bool:
        """Whether arXiv itself has given this item's text."""
        return self.version is not None and bool(self.arxiv_id)

    @property
    def arxiv_id(self) -> str | None:
        """The arXiv id, which stands in the address even where an earlier post gave the key."""
        return extract_arxiv_id(self.url)


@dataclass(frozen=True, slots=True)
class ExistingMention:
    """A stored mention: which item it belongs to, and what it said."""

    item_key: str
    digest: str
    url: str = ""


@dataclass(slots=True)
class ExistingRecords:
    """The part of the store that a batch can touch.

    `items` holds each item under its own key and under its aliases, merged items already followed to the one they
    were merged into; `mentions` is by (source_id, guid); `titles` by title key.
    """

    mentions: dict[MentionKey, ExistingMention] = field(default_factory=dict)
    items: dict[str, ExistingItem] = field(default_factory=dict)
    titles: dict[str, list[ExistingItem]] = field(default_factory=dict)
    tombstones: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LookupKeys:
    """What to look up before deciding on a batch."""

    mention_keys: frozenset[MentionKey]
    keys: frozenset[str]
    title_keys: frozenset[str]


def collect_lookup_keys(batch: Sequence[PreparedItem]) -> LookupKeys:
    """The places (source, guid), keys with aliases, and title keys that `decide` will ask for."""
    keys = {key for item in batch for key in (item.key, *item.aliases)}
    places = {(item.source_id, item.guid) for item in batch}
    own = {
        (item.source_id, build_unique_guid(item)) for items in find_repeated_mentions(batch).values() for item in items
    }
    return LookupKeys(
        mention_keys=frozenset(places | own),
        keys=frozenset(keys),
        title_keys=frozenset(item.title_key for item in batch if is_distinctive_title(item.title_key)),
    )


def find_repeated_mentions(batch: Sequence[PreparedItem]) -> dict[MentionKey, list[PreparedItem]]:
    """The places that a batch names more than once, with the items there."""
    items: defaultdict[MentionKey, list[PreparedItem]] = defaultdict(list)
    for item in batch:
        items[item.source_id, item.guid].append(item)
    return {place: found for place, found in items.items() if len(found) > 1}


def build_unique_guid(item: PreparedItem) -> str:
    """The guid of an item whose source gives the same guid to several: the first keeps it bare."""
    return f"{item.guid}#{item.key}"


def is_distinctive_title(title_key: str) -> bool:
    """Whether a title says enough to identify a work: `introduction` and `weekly update` do not."""
    return len(title_key) >= 15 and title_key.count(" ") >= 2


MAX_REWORDINGS = 24  # of one item; more come from texts that hold the time or count their readers
_SAME_TITLE_DAYS = 30
_SERVER_CLOCK_MARGIN = timedelta(hours=1)  # a date as near to the asking is the server's clock, not the post's
_EXISTING_ITEM_VALUES = attrgetter(*ExistingItem.__slots__)  # in the order of its fields


@dataclass(slots=True)
class IngestDecision:
    """What to do with one prepared item.

    `item_key` names the item it belongs to. `insert` are the columns of a new item, `update` those to change on a known
    one, `mention` the mention's columns but for item_id; `aliases` maps further keys to the reason why they are known.
    """

    outcome: str  # new | revised | unchanged | duplicate | rejected
    item_key: str
    reason: str = ""
    insert_columns: dict[str, Any] | None = None
    update_columns: dict[str, Any] = field(default_factory=dict)
    mention_columns: dict[str, Any] | None = None
    aliases: dict[str, str] = field(default_factory=dict)


def decide_batch(batch: Sequence[PreparedItem], existing: ExistingRecords) -> list[IngestDecision]:
    """One arrival per prepared item, in order. Items of one batch are known to those after them."""
    desk = _BatchIndex(existing, find_repeated_mentions(batch).keys())
    return [desk.decide_item(item) for item in batch]


class _BatchIndex:
    """What is known, and what this batch has added to it so far."""

    def __init__(self, existing: ExistingRecords, repeated: Container[MentionKey]) -> None:
        self._repeated_keys = repeated
        every = {id(item): item for item in (*existing.items.values(), *chain(*existing.titles.values()))}
        own = {name: ExistingItem(*_EXISTING_ITEM_VALUES(item)) for name, item in every.items()}
        self._tombstones = existing.tombstones
        self._mentions = dict(existing.mentions)
        self._items = {key: own[id(item)] for key, item in existing.items.items()}
        self._titles = {key: [own[id(item)] for item in items] for key, items in existing.titles.items()}
        self._seen_keys: set[MentionKey] = set()

    def decide_item(self, item: PreparedItem) -> IngestDecision:
        if item.key in self._tombstones:
            return IngestDecision("rejected", item.key, "purged before")
        item = self._ensure_unique_guid(item)
        place = (item.source_id, item.guid)
        again = place in self._seen_keys
        self._seen_keys.add(place)
        mention = self._mentions.get(place)
        target = self._items.get(mention.item_key) if mention else None
        if mention and target:
            found = self._decide_same_mention(item, target, mention, again)
        elif match := self._find_match(item):
            found = self._decide_new_mention(item, *match)
        else:
            found = self._decide_new_item(item)
        self._mentions[place] = ExistingMention(found.item_key, item.mention_digest, item.mention_url)
        return found

    def _ensure_unique_guid(self, item: PreparedItem) -> PreparedItem:
        """Several works under one guid in one document: all but the first ever seen get a guid of their own."""
        place = (item.source_id, item.guid)
        mention = self._mentions.get(place)
        clash = (
            place in self._repeated_keys
            and mention
            and self._resolve_key(mention.item_key) != self._resolve_key(item.key)
        )
        return replace(item, guid=build_unique_guid(item)) if clash else item

    def _resolve_key(self, key: str) -> str:
        known = self._items.get(key)
        return known.key if known else key

    def _decide_same_mention(
        self, item: PreparedItem, existing: ExistingItem, mention: ExistingMention, is_repeated: bool
    ) -> IngestDecision:
        """The same source shows the same mention: unchanged, or a revision of the item it gave."""
        if is_repeated:
            return IngestDecision("duplicate", existing.key, "twice in one document")
        touched = mention.digest != item.mention_digest or mention.url != item.mention_url
        update, reason = self._find_changes(item, existing, changed=touched)
        outcome = "revised" if update else "unchanged"
        arrival = IngestDecision(
            outcome,
            existing.key,
            reason,
            update_columns=update,
            mention_columns=item.build_mention_columns() if touched else None,
        )
        if item.key not in self._items:
            arrival.aliases = self._add_aliases(existing, [item.key], "the source moved it")
        return self._apply_update(arrival, item, existing)

    def _find_match(self, item: PreparedItem) -> tuple[ExistingItem, str] | None:
        """The known item that this one is another mention of, with the reason."""
        for key in (item.key, *item.aliases):
            if known := self._items.get(key):
                return known, "same key" if key == item.key else f"same {key.partition(':')[0]}"
        for known in self._titles.get(item.title_key, ()) if is_distinctive_title(item.title_key) else ():
            if reason := _explain_title_match(item, known):
                return known, reason
        return None

    def _decide_new_mention(self, item: PreparedItem, existing: ExistingItem, reason: str) -> IngestDecision:
        """Another place where a known work is seen."""
        better = item.is_authority and not existing.is_authority
        update, change = self._find_changes(item, existing, changed=better or item.source_id == existing.source_id)
        if item.arxiv_id and not existing.arxiv_id:
            update |= {"url": item.url, "kind": "paper"}
        better = better and "title" in update
        arrival = IngestDecision("revised" if better else "duplicate", existing.key, change if better else reason)
        arrival.update_columns, arrival.mention_columns = update, item.build_mention_columns()
        arrival.aliases = self._add_aliases(existing, (item.key, *item.aliases), reason)
        return self._apply_update(arrival, item, existing)

    def _decide_new_item(self, item: PreparedItem) -> IngestDecision:
        known = ExistingItem(
            0, item.key, item.source_id, item.title, item.title_key, item.url, item.authors, item.summary, item.content,
            item.published, item.updated, item.announced, item.date_flag, item.version, item.withdrawn_at, item.digest,
        )  # fmt: skip
        self._items[item.key] = known
        self._titles.setdefault(item.title_key, []).append(known)
        aliases = self._add_aliases(known, item.aliases, "given by the source")
        return IngestDecision("new", item.key, "", item.build_item_columns(), {}, item.build_mention_columns(), aliases)

    def _add_aliases(self, existing: ExistingItem, keys: Iterable[str], reason: str) -> dict[str, str]:
        """The keys that nothing is known under yet, now this item's."""
        fresh = {key: reason for key in keys if key not in self._items}
        self._items.update(dict.fromkeys(fresh, existing))
        return fresh

    def _find_changes(self, item: PreparedItem, existing: ExistingItem, *, changed: bool) -> tuple[dict[str, Any], str]:
        """The columns to change on a known item, and why."""
        update, reason = _fill_gaps(item, existing), "filled in"
        if item.announced and (existing.announced is None or item.announced < existing.announced):
            update["announced"] = item.announced
        if not _is_text_source(item, existing):
            return update, reason if update else ""
        if existing.version and item.version and item.version < existing.version:
            return {}, "an older version"
        newer = bool(item.version and item.version > (existing.version or 0))
        if item.withdrawn and not existing.withdrawn:
            update["withdrawn"], reason = item.withdrawn_at, "withdrawn"
        elif existing.withdrawn and newer and not item.withdrawn:
            update["withdrawn"], reason = None, "back after a withdrawal"
        times = 0 if newer or _is_edited(item, existing) else existing.rewordings + 1
        if newer or (changed and item.digest != existing.digest and times <= MAX_REWORDINGS):
            reason = reason if "withdrawn" in update else f"version {item.version}" if newer else "its text changed"
            update |= {**item.build_text_columns(), **_preserve_missing(item, existing), "rewordings": times}
        elif changed and item.is_authority:
            update |= item.build_metadata_columns()
            reason = reason if "withdrawn" in update else "its facts changed"
        elif changed and item.url != existing.url:
            update["url"], reason = item.url, "its address changed"
        return update, reason if update else ""

    def _apply_update(self, decision: IngestDecision, item: PreparedItem, existing: ExistingItem) -> IngestDecision:
        """Later items of the batch see the changes."""
        for name, value in decision.update_columns.items():
            if name in ExistingItem.__slots__:
                setattr(existing, name, value)
        return decision


def _explain_title_match(item: PreparedItem, existing: ExistingItem) -> str:
    """Why an item with the same title is the same work, or ""."""
    if item.arxiv_id and existing.arxiv_id:
        return ""
    if item.key.startswith("doi:") and existing.key.startswith("doi:"):
        return ""
    days = abs(item.published - existing.published) if item.published and existing.published else None
    if item.source_id == existing.source_id:
        same_day = days is not None and days < timedelta(days=1)
        return "same title on the same day" if same_day and _is_same_text(item.summary, existing.summary) else ""
    ours, theirs = extract_surnames(item.authors), extract_surnames(existing.authors)
    if ours and theirs:
        return "same title and author" if ours & theirs else ""
    near = days is not None and days <= timedelta(days=_SAME_TITLE_DAYS)
    return "same title, near in time" if near else ""


def _is_same_text(left: str, right: str) -> bool:
    """Whether two texts of one source with one title on one day are the same text, but for small corrections."""
    if not left or not right:
        return True
    from rapidfuzz import fuzz

    return fuzz.ratio(left[:2000], right[:2000]) >= 80


def _is_text_source(item: PreparedItem, existing: ExistingItem) -> bool:
    """Whether this source's words are the item's words: arXiv's before others', else those of the first source."""
    if item.is_authority or existing.is_authority:
        return item.is_authority
    return item.source_id == existing.source_id


def _is_edited(item: PreparedItem, existing: ExistingItem) -> bool:
    """Whether title or date say that the post was changed, and does not only show something else at each look."""
    dated = item.updated != existing.updated and (
        not item.updated or item.first_seen - item.updated >= _SERVER_CLOCK_MARGIN
    )
    return dated or item.title != existing.title


def _fill_gaps(item: PreparedItem, existing: ExistingItem) -> dict[str, Any]:
    """What the known item lacks and this mention has."""
    update: dict[str, Any] = {}
    if item.published and not existing.published:
        update |= {"published": item.published, "date_flag": None}
    if item.authors and not existing.authors:
        update["authors"] = item.authors
    if item.summary and not existing.summary:
        update |= {"summary": item.summary, "content": existing.content or item.content, "source_id": item.source_id}
    if update.keys() & {"authors", "summary"}:
        update["digest"] = hash_texts(
            existing.title,
            "\x1e".join(update.get("authors", existing.authors)),
            update.get("summary", existing.summary),
            update.get("content", existing.content),
        )
    return update


def _preserve_missing(item: PreparedItem, existing: ExistingItem) -> dict[str, Any]:
    """What a revision without a value must not take away."""
    kept: dict[str, Any] = {"version": item.version or existing.version}
    if not item.authors:
        kept["authors"] = existing.authors
    if not item.summary:
        kept |= {"summary": existing.summary, "content": existing.content}
    return kept
