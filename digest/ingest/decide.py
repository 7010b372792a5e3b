"""Decide whether each item of a batch is new, revised, unchanged, a duplicate or rejected.

A pure function of the batch and of the existing records. The rules, in order: a purged key stays away; an existing
guid keeps its item; an existing key or alias is one more mention of its item; a distinctive title with an agreeing
author or date is the same work, but never across two arXiv ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from operator import attrgetter
from typing import Any

from digest.ingest.normalize import PreparedItem
from digest.ingest.shared_pages import build_entry_key, is_same_entry
from digest.text import hash_texts
from digest.text.names import extract_surnames
from digest.urls.arxiv import extract_arxiv_id

MAX_REWORDINGS = 24  # of one item; more come from texts that hold the time or count their readers
_SAME_TITLE_DAYS = 30
_SERVER_CLOCK_MARGIN = timedelta(hours=1)  # a date so close to the request is the server's clock, not the post's

MentionKey = tuple[str, str]  # (source id, guid)


@dataclass(slots=True)
class ExistingItem:
    """The columns of a stored item that decisions need. `id` is 0 for an item of the same batch."""

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
        """Return whether the item's text is arXiv's own."""
        return self.version is not None and bool(self.arxiv_id)

    @property
    def arxiv_id(self) -> str | None:
        """The arXiv id in the URL, which has one even where an earlier post gave the key."""
        return extract_arxiv_id(self.url)


@dataclass(frozen=True, slots=True)
class ExistingMention:
    """A stored mention: the key of its item, its digest and its URL."""

    item_key: str
    digest: str
    url: str = ""


@dataclass(slots=True)
class ExistingRecords:
    """The stored records that a batch can touch.

    `items` is by key and by alias, with merged items replaced by their targets; `titles` is by title key.
    """

    mentions: dict[MentionKey, ExistingMention] = field(default_factory=dict)
    items: dict[str, ExistingItem] = field(default_factory=dict)
    titles: dict[str, list[ExistingItem]] = field(default_factory=dict)
    tombstones: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LookupKeys:
    """The keys to look up before deciding on a batch."""

    mention_keys: frozenset[MentionKey]
    keys: frozenset[str]
    title_keys: frozenset[str]


def collect_lookup_keys(batch: Sequence[PreparedItem]) -> LookupKeys:
    """Collect the mention keys, item keys with aliases, and title keys that `decide_batch` needs."""
    repeated = _find_repeated_mentions(batch)
    mention_keys = {(item.source_id, item.guid) for item in batch}
    mention_keys |= {(i.source_id, _build_unique_guid(i)) for i in batch if (i.source_id, i.guid) in repeated}
    return LookupKeys(
        mention_keys=frozenset(mention_keys),
        keys=frozenset(
            key for item in batch for key in (item.key, item.page_key or build_entry_key(item), *item.aliases) if key
        ),
        title_keys=frozenset(item.title_key for item in batch if is_distinctive_title(item.title_key)),
    )


def _find_repeated_mentions(batch: Sequence[PreparedItem]) -> set[MentionKey]:
    counts = Counter((item.source_id, item.guid) for item in batch)
    return {mention_key for mention_key, count in counts.items() if count > 1}


def _build_unique_guid(item: PreparedItem) -> str:
    return f"{item.guid}#{item.key}"


def is_distinctive_title(title_key: str) -> bool:
    """Return whether a title identifies a work: `introduction` and `weekly update` do not."""
    return len(title_key) >= 15 and title_key.count(" ") >= 2


_EXISTING_ITEM_VALUES = attrgetter(*ExistingItem.__slots__)  # in the order of its fields


@dataclass(slots=True)
class IngestDecision:
    """What to write for one prepared item.

    `item_key` names its item. `update_columns` change an existing item; `mention_columns` lack the item id; `aliases`
    maps further keys of the item to the reason.
    """

    outcome: str  # new | revised | unchanged | duplicate | rejected
    item_key: str
    reason: str = ""
    insert_columns: dict[str, Any] | None = None
    update_columns: dict[str, Any] = field(default_factory=dict)
    mention_columns: dict[str, Any] | None = None
    aliases: dict[str, str] = field(default_factory=dict)


def decide_batch(batch: Sequence[PreparedItem], existing: ExistingRecords) -> list[IngestDecision]:
    """Decide on each prepared item, in order. Items of the batch exist for those after them."""
    index = _BatchIndex(existing, _find_repeated_mentions(batch))
    return [index.decide_item(item) for item in batch]


class _BatchIndex:
    """The existing records and what the batch has added to them so far."""

    def __init__(self, existing: ExistingRecords, repeated_keys: set[MentionKey]) -> None:
        self._repeated_keys = repeated_keys
        items = {id(item): item for item in (*existing.items.values(), *chain(*existing.titles.values()))}
        copies = {number: ExistingItem(*_EXISTING_ITEM_VALUES(item)) for number, item in items.items()}
        self._tombstones = existing.tombstones
        self._mentions = dict(existing.mentions)
        self._items = {key: copies[id(item)] for key, item in existing.items.items()}
        self._titles = {key: [copies[id(item)] for item in items] for key, items in existing.titles.items()}
        self._seen_keys: set[MentionKey] = set()

    def decide_item(self, item: PreparedItem) -> IngestDecision:
        if item.key in self._tombstones:
            return IngestDecision("rejected", item.key, "purged before")
        item = self._ensure_unique_guid(item)
        mention_key = (item.source_id, item.guid)
        is_repeated = mention_key in self._seen_keys
        self._seen_keys.add(mention_key)
        mention = self._mentions.get(mention_key)
        target = self._items.get(mention.item_key) if mention else None
        if mention and target:
            decision = self._decide_same_mention(item, target, mention, is_repeated)
        elif match := self._find_match(item):
            decision = self._decide_new_mention(item, *match)
        else:
            decision = self._decide_new_item(item)
        self._mentions[mention_key] = ExistingMention(decision.item_key, item.mention_digest, item.mention_url)
        return decision

    def _ensure_unique_guid(self, item: PreparedItem) -> PreparedItem:
        """Give works that share a guid in one document guids of their own, but for the first ever seen."""
        mention_key = (item.source_id, item.guid)
        mention = self._mentions.get(mention_key)
        if mention_key not in self._repeated_keys or not mention:
            return item
        is_same = self._resolve_key(mention.item_key) == self._resolve_key(item.key)
        return item if is_same else replace(item, guid=_build_unique_guid(item))

    def _resolve_key(self, key: str) -> str:
        return self._items[key].key if key in self._items else key

    def _decide_same_mention(
        self, item: PreparedItem, existing: ExistingItem, mention: ExistingMention, is_repeated: bool
    ) -> IngestDecision:
        """Decide on a mention that the source showed before: unchanged, or a revision of its item."""
        if is_repeated:
            return IngestDecision("duplicate", existing.key, "twice in one document")
        has_changed = mention.digest != item.mention_digest or mention.url != item.mention_url
        update, reason = self._find_changes(item, existing, has_changed=has_changed)
        decision = IngestDecision("revised" if update else "unchanged", existing.key, reason, update_columns=update)
        if has_changed:
            decision.mention_columns = item.build_mention_columns()
        if item.key not in self._items:
            decision.aliases = self._add_aliases(existing, [item.key], "the source moved it")
        return _apply_update(decision, existing)

    def _find_match(self, item: PreparedItem) -> tuple[ExistingItem, str] | None:
        """Find the existing item that this one is another mention of, with the reason."""
        for key in (item.key, *item.aliases):
            if existing := self._items.get(key):
                return existing, "same key" if key == item.key else f"same {key.partition(':')[0]}"
        page = self._items.get(item.page_key) if item.page_key else None
        if page and is_same_entry(item, page.title_key, f"{page.published:%Y-%m-%d}" if page.published else ""):
            return page, "same entry of the page"
        if existing := self._items.get(build_entry_key(item) or item.key):
            return existing, "same entry of the page"
        for existing in self._titles.get(item.title_key, ()) if is_distinctive_title(item.title_key) else ():
            if reason := _explain_title_match(item, existing):
                return existing, reason
        return None

    def _decide_new_mention(self, item: PreparedItem, existing: ExistingItem, reason: str) -> IngestDecision:
        """Decide on a work that exists already and that this source shows for the first time."""
        is_better = item.is_authority and not existing.is_authority
        is_same_source = item.source_id == existing.source_id
        update, change = self._find_changes(item, existing, has_changed=is_better or is_same_source)
        if item.arxiv_id and not existing.arxiv_id:
            update |= {"url": item.url, "kind": "paper"}
        is_revised = is_better and "title" in update
        decision = IngestDecision(
            "revised" if is_revised else "duplicate", existing.key, change if is_revised else reason
        )
        decision.update_columns, decision.mention_columns = update, item.build_mention_columns()
        decision.aliases = self._add_aliases(existing, (item.key, *item.aliases), reason)
        return _apply_update(decision, existing)

    def _decide_new_item(self, item: PreparedItem) -> IngestDecision:
        existing = ExistingItem(
            0, item.key, item.source_id, item.title, item.title_key, item.url, item.authors, item.summary, item.content,
            item.published, item.updated, item.announced, item.date_flag, item.version, item.withdrawn_at, item.digest,
        )  # fmt: skip
        self._items[item.key] = existing
        self._titles.setdefault(item.title_key, []).append(existing)
        aliases = self._add_aliases(existing, item.aliases, "given by the source")
        return IngestDecision("new", item.key, "", item.build_item_columns(), {}, item.build_mention_columns(), aliases)

    def _add_aliases(self, existing: ExistingItem, keys: Iterable[str], reason: str) -> dict[str, str]:
        """Add the keys that no item has yet as aliases of this item, and return them."""
        added = {key: reason for key in keys if key not in self._items}
        self._items.update(dict.fromkeys(added, existing))
        return added

    def _find_changes(
        self, item: PreparedItem, existing: ExistingItem, *, has_changed: bool
    ) -> tuple[dict[str, Any], str]:
        """Return the columns to change on an existing item, and why."""
        update, reason = _fill_gaps(item, existing), "filled in"
        if item.announced and (existing.announced is None or item.announced < existing.announced):
            update["announced"] = item.announced
        if not _is_text_source(item, existing):
            return update, reason if update else ""
        if existing.version and item.version and item.version < existing.version:
            return {}, "an older version"
        is_newer = bool(item.version and item.version > (existing.version or 0))
        if item.withdrawn and not existing.withdrawn:
            update["withdrawn"], reason = item.withdrawn_at, "withdrawn"
        elif existing.withdrawn and is_newer and not item.withdrawn:
            update["withdrawn"], reason = None, "back after a withdrawal"
        rewordings = 0 if is_newer or _is_edited(item, existing) else existing.rewordings + 1
        if is_newer or (has_changed and item.digest != existing.digest and rewordings <= MAX_REWORDINGS):
            reason = reason if "withdrawn" in update else f"version {item.version}" if is_newer else "its text changed"
            update |= {**item.build_text_columns(), **_preserve_missing(item, existing), "rewordings": rewordings}
        elif has_changed and item.is_authority:
            update |= item.build_metadata_columns()
            reason = reason if "withdrawn" in update else "its facts changed"
        elif has_changed and item.url != existing.url:
            update["url"], reason = item.url, "its address changed"
        return update, reason if update else ""


def _apply_update(decision: IngestDecision, existing: ExistingItem) -> IngestDecision:
    """Change the existing item, so that later items of the batch see it as it will be."""
    for name, value in decision.update_columns.items():
        if name in ExistingItem.__slots__:
            setattr(existing, name, value)
    return decision


def _explain_title_match(item: PreparedItem, existing: ExistingItem) -> str:
    """Explain why an item with the same title is the same work; "" if it is not."""
    have_dois = item.key.startswith("doi:") and existing.key.startswith("doi:")
    if have_dois or (item.arxiv_id and existing.arxiv_id):
        return ""
    days = abs(item.published - existing.published) if item.published and existing.published else None
    if item.source_id == existing.source_id:
        is_same_day = days is not None and days < timedelta(days=1)
        return "same title on the same day" if is_same_day and _is_same_text(item.summary, existing.summary) else ""
    surnames, existing_surnames = extract_surnames(item.authors), extract_surnames(existing.authors)
    if surnames and existing_surnames:
        return "same title and author" if surnames & existing_surnames else ""
    is_near = days is not None and days <= timedelta(days=_SAME_TITLE_DAYS)
    return "same title, near in time" if is_near else ""


def _is_same_text(left: str, right: str) -> bool:
    """Return whether two texts are the same but for small corrections; a missing text counts as the same."""
    if not left or not right:
        return True
    from rapidfuzz import fuzz

    return fuzz.ratio(left[:2000], right[:2000]) >= 80


def _is_text_source(item: PreparedItem, existing: ExistingItem) -> bool:
    """Return whether the item takes its text from this source: from arXiv, else from the first source."""
    if item.is_authority or existing.is_authority:
        return item.is_authority
    return item.source_id == existing.source_id


def _is_edited(item: PreparedItem, existing: ExistingItem) -> bool:
    """Return whether the title or the date of change differs; other texts may change with each request."""
    is_real_date = not item.updated or item.first_seen - item.updated >= _SERVER_CLOCK_MARGIN
    return (item.updated != existing.updated and is_real_date) or item.title != existing.title


def _fill_gaps(item: PreparedItem, existing: ExistingItem) -> dict[str, Any]:
    """Return the columns that the existing item lacks and this mention has."""
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
    """Return the values that a revision without them must not remove."""
    preserved: dict[str, Any] = {"version": item.version or existing.version}
    if not item.authors:
        preserved["authors"] = existing.authors
    if not item.summary:
        preserved |= {"summary": existing.summary, "content": existing.content}
    return preserved
