"""Find possible duplicates after tagging; show, merge, split and re-tag single items.

Two arXiv papers are not compared: a month has thousands, arXiv keeps its own papers apart, and the pairs that matter
are a post, page or PDF and the paper it is about. A person decides on each pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from digest.context import Context, record_run
from digest.db.items import (
    find_item_by_own_key,
    get_item,
    has_items_without_prefix,
    load_item_mentions,
    load_period_items,
)
from digest.db.merges import (
    add_possible_duplicates,
    load_possible_duplicates,
    mark_distinct,
    merge_items,
    undo_merge,
    unmerge_mentions,
)
from digest.db.predictions import load_item_embeddings, load_taggings, save_taggings
from digest.ingest.matching import match_records
from digest.ingest.matching.features import RecordFeatures
from digest.models.items import Item, get_abstract
from digest.models.predictions import Decision
from digest.protocols import Report
from digest.tagging.taxonomy import fingerprint_taxonomy, resolve_category
from digest.urls import work_key
from digest.urls.canonical import build_match_url, is_http_url

_MAX_TIME_APART = timedelta(days=60)  # a post and its paper appear within weeks of each other
_ARXIV_PREFIX = "arxiv:"
_CERTAIN_PROBABILITY = 0.99
_CERTAIN_REASON = "the same title or a link, and what goes with it"

DuplicatePair = tuple[int, int, float, str]


def flag_possible_duplicates(context: Context, new_items: Mapping[int, datetime]) -> int:
    """Store the pairs of a new item and another one near in time that may be one work; returns their number.

    `new_items` maps ids to dates. Each month is compared on its own, so that years of items need the memory of a month.
    """
    months: dict[str, list[int]] = {}
    for item_id, moment in new_items.items():
        months.setdefault(f"{moment:%Y-%m}", []).append(item_id)
    pairs: dict[frozenset[int], DuplicatePair] = {}
    for ids in months.values():
        moments = [new_items[item_id] for item_id in ids]
        near = _find_pairs(context, frozenset(ids), min(moments) - _MAX_TIME_APART, max(moments) + _MAX_TIME_APART)
        pairs |= {frozenset(pair[:2]): pair for pair in near}
    if pairs:
        with context.db.write() as session:
            add_possible_duplicates(session, list(pairs.values()), context.now)
    return len(pairs)


def _find_pairs(context: Context, new_ids: frozenset[int], start: datetime, end: datetime) -> list[DuplicatePair]:
    """Return the pairs among a period's items of which one at least is new.

    A certain pair is reported too: only a person merges items that are stored.
    """
    with context.db.read() as session:
        if not has_items_without_prefix(session, _ARXIV_PREFIX, start, end):
            return []
        items = load_period_items(session, start, end)
        vectors = load_item_embeddings(session, items)
    others = frozenset(number for number, item in enumerate(items) if not item.key.startswith(_ARXIV_PREFIX))
    matching = match_records([_build_record(item) for item in items], new_positions=others, vectors=vectors)
    pairs = [
        (items[number].id, items[group].id, _CERTAIN_PROBABILITY, _CERTAIN_REASON)
        for number, group in enumerate(matching.groups)
        if number != group
    ]
    pairs += [(items[p.left].id, items[p.right].id, p.probability, p.reason) for p in matching.possible_pairs]
    return [pair for pair in pairs if pair[0] in new_ids or pair[1] in new_ids]


def _build_record(item: Item) -> RecordFeatures:
    return RecordFeatures(
        record_id=str(item.id),
        source=item.source_id,
        key=item.key,
        title=item.title,
        url=build_match_url(item.url),
        text=get_abstract(item),
        authors=item.authors,
        published=item.published,
    )


def describe_item(context: Context, name: str) -> dict[str, Any]:
    """Return an item with its mentions, taggings and possible duplicates."""
    with context.db.read() as session:
        item = get_item(session, _resolve_key(name))
        mentions = load_item_mentions(session, item.id)
        verdicts = load_taggings(session, [item.id]).get(item.id, {})
        possible = load_possible_duplicates(session, [item.id]).get(item.id, [])
    return {
        "item": item.model_dump(exclude={"content", "title_key", "digest", "rewordings"}),
        "mentions": [
            {"source": m.source_id, "seen": f"{m.first_seen:%Y-%m-%d}", "url": m.url, "key": m.own_key}
            for m in mentions
        ],
        "verdicts": [
            {"engine": v.engine, "category": v.category, "confidence": v.confidence, "reason": v.reason}
            for v in verdicts.values()
        ],
        "possible": [{"key": other.key, "title": other.title, "reason": pair.reason} for pair, other in possible],
    }


def merge_items_by_name(context: Context, name: str, into: str) -> str:
    """Merge one item into another; returns a line for a person."""
    with context.db.write() as session:
        item, target = get_item(session, name), get_item(session, into)
        moved = merge_items(session, item, target, context.now)
    return f"{item.key} is now part of {target.key} ({moved} mentions); `digest items split {item.id}` takes it back"


def order_merge_pair(first: Item, second: Item) -> tuple[Item, Item]:
    """Order two possible duplicates: the one to merge, then the one that stays, which is arXiv's."""
    return (second, first) if first.key.startswith(_ARXIV_PREFIX) else (first, second)


def split_item_by_name(context: Context, name: str, other: str = "") -> str:
    """Undo a merge; the item is named by its number or by the key that it had before.

    With another item: record that the two are different works.
    """
    with context.db.write() as session:
        if other:
            first, second = get_item(session, name), get_item(session, other)
            mark_distinct(session, first, second, context.now)
            return f"{first.key} and {second.key} are two works"
        key = _resolve_key(name)
        item = find_item_by_own_key(session, key) or get_item(session, key)
        if item.merged_into is None:
            item, moved = unmerge_mentions(session, item, key, context.now)
        else:
            moved = undo_merge(session, item)
    return f"{item.key} is one work again ({moved} mentions)"


def _resolve_key(name: str) -> str:
    """Return the key of an item that is named by its address, key or number."""
    return work_key(name) if is_http_url(name) else name


def correct_category(context: Context, name: str, category: str) -> Report:
    """Store the editor's category of an item, from which the tagger learns."""
    with record_run(context, "tag") as report:
        slug = resolve_category(context.config.taxonomy, category)
        with context.db.write() as session:
            item = get_item(session, name)
            row = {
                "item_id": item.id, "engine": "editor", "category": slug, "secondary": None, "confidence": 1.0,
                "relevance": None, "novelty": None, "reason": "the editor said so", "item_digest": item.digest,
                "taxonomy": fingerprint_taxonomy(context.config.taxonomy), "at": context.now,
            }  # fmt: skip
            save_taggings(session, [row])
            session.add(Decision(item_id=item.id, verdict="tag", category=slug, origin="cli", at=context.now))
        report.line = (
            f"{item.key} is {slug}: {item.title}; what is new is sorted with that in mind, and "
            "`digest tag --retag --dry-run` says what else it would move"
        )
    return report
