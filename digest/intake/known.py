"""What the store already knows of a batch: asked for with `wanted`, handed to `decide`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from digest.intake.prepared import PreparedItem
from digest.urls import extract_arxiv_id

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
