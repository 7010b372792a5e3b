"""Find possible duplicates after tagging; show, merge, split and re-tag single items.

Two arXiv papers are not compared: a month has thousands, arXiv keeps its own papers apart, and the pairs that matter
are a post, page or PDF and the paper it is about. A person decides on each pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from digest.context import Context, record_run
from digest.db.items import (
    find_item_by_own_key,
    get_item,
    has_items_without_prefix,
    load_item_mentions,
    load_items_by_id,
)
from digest.db.merges import (
    add_possible_duplicates,
    load_possible_duplicates,
    mark_distinct,
    merge_items,
    undo_merge,
    unmerge_mentions,
)
from digest.db.predictions import (
    StoredVector,
    load_item_embeddings,
    load_stored_vectors,
    load_taggings,
    mark_compared,
    save_taggings,
)
from digest.db.search import find_phrase_ids
from digest.embeddings import EMBEDDING_DIMENSIONS, unpack_vectors
from digest.ingest.matching import match_pairs
from digest.ingest.matching.features import RecordFeatures
from digest.ingest.matching.partners import find_partners
from digest.models.items import Item, get_abstract
from digest.models.predictions import Decision
from digest.protocols import Report
from digest.tagging.taxonomy import fingerprint_taxonomy, resolve_category
from digest.urls import work_key
from digest.urls.canonical import build_match_url, is_http_url

_MAX_TIME_APART = timedelta(days=60)  # a post and its paper appear within weeks of each other
_ARXIV_PREFIX = "arxiv:"
_MAX_PHRASES, _MAX_SHARING = 20, 60
_CERTAIN_PROBABILITY = 0.99
_CERTAIN_REASON = "the same title or a link, and what goes with it"

DuplicatePair = tuple[int, int, float, str]


def flag_possible_duplicates(context: Context, new_items: Mapping[int, datetime]) -> int:
    """Store the pairs of a new item and another one near in time that may be one work; returns their number.

    `new_items` maps ids to dates. Each month is compared on its own, so that years of items need the memory of a month,
    and is marked as compared with its pairs, so that a run that was killed is made good by the next.
    """
    months: dict[str, list[int]] = {}
    for item_id, moment in new_items.items():
        months.setdefault(f"{moment:%Y-%m}", []).append(item_id)
    pairs: set[frozenset[int]] = set()
    for ids in months.values():
        moments = [new_items[item_id] for item_id in ids]
        near = _find_pairs(context, frozenset(ids), min(moments) - _MAX_TIME_APART, max(moments) + _MAX_TIME_APART)
        with context.db.write() as session:
            add_possible_duplicates(session, near, context.now)
            mark_compared(session, ids)
        pairs.update(frozenset(pair[:2]) for pair in near)
    return len(pairs)


def _find_pairs(context: Context, new_ids: frozenset[int], start: datetime, end: datetime) -> list[DuplicatePair]:
    """Return the pairs among a period's items of which one at least is new.

    A certain pair is reported too: only a person merges items that are stored.
    """
    with context.db.read() as session:
        if not has_items_without_prefix(session, _ARXIV_PREFIX, start, end):
            return []
        stored = load_stored_vectors(session, start, end)
        pairs = _preselect_pairs(session, stored, new_ids)
        if not pairs:
            return []
        items = load_items_by_id(session, {item_id for pair in pairs for item_id in pair})
        ids = sorted(items)
        vectors = load_item_embeddings(session, [items[item_id] for item_id in ids])
    positions = {item_id: position for position, item_id in enumerate(ids)}
    records = [_build_record(items[item_id]) for item_id in ids]
    assert vectors is not None
    matching = match_pairs(records, {(positions[a], positions[b]) for a, b in pairs}, vectors)
    near_pairs = [
        (ids[number], ids[group], _CERTAIN_PROBABILITY, _CERTAIN_REASON)
        for number, group in enumerate(matching.groups)
        if number != group
    ]
    near_pairs += [(ids[p.left], ids[p.right], p.probability, p.reason) for p in matching.possible_pairs]
    return [pair for pair in near_pairs if pair[0] in new_ids or pair[1] in new_ids]


def _preselect_pairs(session: Session, stored: Sequence[StoredVector], new_ids: frozenset[int]) -> set[tuple[int, int]]:
    """Return the pairs of ids to classify, the smaller first: one of each is new, and one does not come from arXiv.

    What is new from arXiv is compared with every other item that is not; then those are the few to find partners for.
    """
    has_new_papers = any(row.item_id in new_ids and row.key.startswith(_ARXIV_PREFIX) for row in stored)
    focus = [
        position
        for position, row in enumerate(stored)
        if not row.key.startswith(_ARXIV_PREFIX) and (has_new_papers or row.item_id in new_ids)
    ]
    if not focus:
        return set()
    nothing = bytes(EMBEDDING_DIMENSIONS)
    vectors = unpack_vectors([row.vector or nothing for row in stored])
    positions = find_partners([row.title_key for row in stored], vectors, focus)
    pairs = {(stored[a].item_id, stored[b].item_id) for a, b in positions}
    for item_id, others in _find_sharing_phrases(session, stored, [stored[position].item_id for position in focus]):
        pairs.update((min(item_id, other), max(item_id, other)) for other in others if other != item_id)
    return {pair for pair in pairs if not new_ids.isdisjoint(pair)}


def _find_sharing_phrases(
    session: Session, stored: Sequence[StoredVector], ids: Sequence[int]
) -> Iterator[tuple[int, set[int]]]:
    """Yield each item with the others that have one of its names or links; too common a name says nothing."""
    known_ids = {row.item_id for row in stored}
    span = range(stored[0].item_id, stored[-1].item_id + 1)
    matches: dict[str, set[int]] = {}
    for item in load_items_by_id(session, ids).values():
        others: set[int] = set()
        for phrase in _build_record(item).phrases[:_MAX_PHRASES]:
            if phrase not in matches:
                lists = find_phrase_ids(session, phrase, span, _MAX_SHARING + 1)
                matches[phrase] = {n for each in lists if len(each) <= _MAX_SHARING for n in each} & known_ids
            others |= matches[phrase]
        yield item.id, others


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
