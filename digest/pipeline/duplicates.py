"""After tagging: which new items may be a work that is here already under another key; a person decides.

Two arXiv papers are not compared: a month has thousands, arXiv tells its own apart, and the pairs that matter here are
a post, page or PDF and the paper it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlmodel import Session

from digest import intake, ranking
from digest.intake import MatchResult, RecordFeatures
from digest.models import Item
from digest.pipeline.context import Context
from digest.pipeline.texts import build_embedding_text, get_abstract
from digest.store import items as item_store
from digest.store import judgements, merging
from digest.urls import build_match_url
from digest.vectors import load_embeddings

if TYPE_CHECKING:
    from digest.vectors import Matrix

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
            merging.add_possible_duplicates(session, list(pairs.values()), context.now)
    return len(pairs)


def _find_pairs(context: Context, new_ids: frozenset[int], start: datetime, end: datetime) -> list[DuplicatePair]:
    """The pairs among a period's items of which one at least is new."""
    with context.db.read() as session:
        if not item_store.has_items_without_prefix(session, _ARXIV_PREFIX, start, end):
            return []
        items = item_store.load_period_items(session, start, end)
        outsiders = frozenset(place for place, item in enumerate(items) if not item.key.startswith(_ARXIV_PREFIX))
        matrix = _load_vectors(session, items)
    found = intake.match_records([_build_record(item) for item in items], new_positions=outsiders, vectors=matrix)
    return [pair for pair in _iter_pairs(items, found) if pair[0] in new_ids or pair[1] in new_ids]


def _iter_pairs(items: Sequence[Item], matching: MatchResult) -> Iterator[DuplicatePair]:
    """The possible pairs by item id, and the certain ones, which are joined only by a person too."""
    for place, group in enumerate(matching.groups):
        if place != group:
            yield (
                items[place].id or 0,
                items[group].id or 0,
                _CERTAIN_PROBABILITY,
                _CERTAIN_REASON,
            )
    for pair in matching.possible_pairs:
        yield items[pair.left].id or 0, items[pair.right].id or 0, pair.probability, pair.reason


def _load_vectors(session: Session, items: Sequence[Item]) -> Matrix:
    """The vectors that tagging has stored; an item that has none yet gets one for this comparison."""
    stored = judgements.load_item_vectors(session, [item.id or 0 for item in items])
    missing = {item.id or 0: build_embedding_text(item) for item in items if (item.id or 0) not in stored}
    made = (
        dict(zip(missing, ranking.pack_vectors(load_embeddings().embed(list(missing.values()))), strict=True))
        if missing
        else {}
    )
    return ranking.unpack_vectors([made.get(item.id or 0) or stored[item.id or 0].vector for item in items])


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
