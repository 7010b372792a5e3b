"""Possible duplicates; show, merge, split, re-tag one item.

What a person does with single works: look at one, merge two, take a merge back, say what one is.

After tagging: which new items may be a work that is here already under another key; a person decides.

Two arXiv papers are not compared: a month has thousands, arXiv tells its own apart, and the pairs that matter here are
a post, page or PDF and the paper it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

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
from digest.db.predictions import load_item_vectors, load_taggings, save_taggings
from digest.embeddings import load_embeddings, pack_vectors, unpack_vectors
from digest.ingest.matching import MatchResult, match_records
from digest.ingest.matching.features import RecordFeatures
from digest.models.items import Item, build_embedding_text, get_abstract
from digest.models.predictions import Decision
from digest.protocols import Report
from digest.tagging.taxonomy import fingerprint_taxonomy, resolve_category
from digest.urls import work_key
from digest.urls.canonical import build_match_url, is_http_url

if TYPE_CHECKING:
    from digest.embeddings import Matrix


_MAX_TIME_APART = timedelta(days=60)  # a post and its paper appear within weeks of each other
_ARXIV_PREFIX = "arxiv:"
_CERTAIN_PROBABILITY = 0.99
_CERTAIN_REASON = "the same title or a link, and what goes with it"

DuplicatePair = tuple[int, int, float, str]


def flag_possible_duplicates(context: Context, new_items: Mapping[int, datetime]) -> int:
    """Keep the pairs of a fresh item and another one near in time that may be one work; returns how many there are.

    `fresh` are ids with their dates. A month is looked at by itself, so that years of items need the room of some.
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
    """The pairs among a period's items of which one at least is new."""
    with context.db.read() as session:
        if not has_items_without_prefix(session, _ARXIV_PREFIX, start, end):
            return []
        items = load_period_items(session, start, end)
        outsiders = frozenset(place for place, item in enumerate(items) if not item.key.startswith(_ARXIV_PREFIX))
        matrix = _load_vectors(session, items)
    found = match_records([_build_record(item) for item in items], new_positions=outsiders, vectors=matrix)
    return [pair for pair in _iter_pairs(items, found) if pair[0] in new_ids or pair[1] in new_ids]


def _iter_pairs(items: Sequence[Item], matching: MatchResult) -> Iterator[DuplicatePair]:
    """The possible pairs by item id, and the certain ones, which are joined only by a person too."""
    for place, group in enumerate(matching.groups):
        if place != group:
            yield (items[place].id, items[group].id, _CERTAIN_PROBABILITY, _CERTAIN_REASON)
    for pair in matching.possible_pairs:
        yield items[pair.left].id, items[pair.right].id, pair.probability, pair.reason


def _load_vectors(session: Session, items: Sequence[Item]) -> Matrix:
    """The vectors that tagging has stored; an item that has none yet gets one for this comparison."""
    stored = load_item_vectors(session, [item.id for item in items])
    missing = {item.id: build_embedding_text(item) for item in items if (item.id) not in stored}
    made = (
        dict(zip(missing, pack_vectors(load_embeddings().embed(list(missing.values()))), strict=True))
        if missing
        else {}
    )
    return unpack_vectors([made.get(item.id) or stored[item.id].vector for item in items])


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
    """An item, its mentions, its verdicts, and what may be the same work."""
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
    """Make two items one; returns a line for a person."""
    with context.db.write() as session:
        item, target = get_item(session, name), get_item(session, into)
        moved = merge_items(session, item, target, context.now)
    return f"{item.key} is now part of {target.key} ({moved} mentions); `digest items split {item.id}` takes it back"


def order_merge_pair(first: Item, second: Item) -> tuple[Item, Item]:
    """Of two items that may be one work: the one that would go, and the one that would stay, which is arXiv's."""
    return (second, first) if first.key.startswith("arxiv:") else (first, second)


def split_item_by_name(context: Context, name: str, other: str = "") -> str:
    """Take a merge back, a person's or intake's; the item is named by its number or by the key that it had before.

    With another item: keep in mind that the two are different works.
    """
    with context.db.write() as session:
        if other:
            one, two = get_item(session, name), get_item(session, other)
            mark_distinct(session, one, two, context.now)
            return f"{one.key} and {two.key} are two works"
        item = _find_merged_item(session, name)
        if item.merged_into is None:
            item, moved = unmerge_mentions(session, item, _resolve_key(name), context.now)
        else:
            moved = undo_merge(session, item)
    return f"{item.key} stands by itself again ({moved} mentions)"


def _find_merged_item(session: Session, name: str) -> Item:
    return find_item_by_own_key(session, _resolve_key(name)) or get_item(session, _resolve_key(name))


def _resolve_key(name: str) -> str:
    """What a person calls an item as a key: addresses are known by theirs."""
    return work_key(name) if is_http_url(name) else name


def correct_category(context: Context, name: str, category: str) -> Report:
    """Keep the editor's word on what an item is; the tagger learns from it from now on."""
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
