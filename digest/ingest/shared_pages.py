"""Tell apart the entries that one page holds: a changelog's releases, a status page's notices.

Their feed links each to the same address. Within one document, entries of one address with titles or days of their own
are different items, which have the page's address and a key of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from digest.ingest.normalize import PreparedItem
from digest.text import hash_texts


def split_shared_pages(batch: Sequence[PreparedItem]) -> list[PreparedItem]:
    """Give each entry of a page that several different entries of its source share a key of its own."""
    variants = {(item.source_id, item.key, *_describe_entry(item)) for item in batch if _may_share(item)}
    counts = Counter((source_id, key) for source_id, key, *_ in variants)
    return [_split(item) if counts[item.source_id, item.key] > 1 and _may_share(item) else item for item in batch]


def build_entry_key(item: PreparedItem) -> str:
    """Build the key that an entry has when it shares its page, from its guid, or title and day; "" if it cannot."""
    if not _may_share(item):
        return ""
    identity = item.guid if _has_own_guid(item) else "\x1f".join(_describe_entry(item))
    return f"{item.key}#{hash_texts(identity)[:16]}"


def is_same_entry(item: PreparedItem, title_key: str, day: str) -> bool:
    """Whether a stored item of the page, from before others shared it, is this entry."""
    return _describe_entry(item) == (title_key, day)


def _may_share(item: PreparedItem) -> bool:
    return item.key.startswith("url:") and "#" not in item.key


def _describe_entry(item: PreparedItem) -> tuple[str, str]:
    return item.title_key, f"{item.published:%Y-%m-%d}" if item.published else ""


def _has_own_guid(item: PreparedItem) -> bool:
    return item.guid != item.url and not item.guid.startswith(("http://", "https://"))


def _split(item: PreparedItem) -> PreparedItem:
    key = build_entry_key(item)
    guid = item.guid if _has_own_guid(item) else f"{item.guid}#{key[-16:]}"
    return replace(item, key=key, page_key=item.key, guid=guid)
