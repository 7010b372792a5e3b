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
from digest.intake import Matching, Record
from digest.models import Item
from digest.pipeline.context import Context
from digest.pipeline.texts import abstract, embedded_text
from digest.store import items as item_store
from digest.store import judgements, merging
from digest.urls import match_form
from digest.vectors import vectors

if TYPE_CHECKING:
    from digest.vectors import Matrix

_AROUND = timedelta(days=60)  # a post and its paper appear within weeks of each other
_ARXIV = "arxiv:"
_CERTAIN = 0.99
_SURE = "the same title or a link, and what goes with it"

Pair = tuple[int, int, float, str]


def flag_possible(context: Context, fresh: Mapping[int, datetime]) -> int:
    """Keep the pairs of a fresh item and another one near in time that may be one work; returns how many there are.

    `fresh` are ids with their dates. A month is looked at by itself, so that years of items need the room of some.
    """
    months: dict[str, list[int]] = {}
    for item_id, moment in fresh.items():
        months.setdefault(f"{moment:%Y-%m}", []).append(item_id)
    pairs: dict[frozenset[int], Pair] = {}
    for ids in months.values():
        moments = [fresh[item_id] for item_id in ids]
        near = _near(context, frozenset(ids), min(moments) - _AROUND, max(moments) + _AROUND)
        pairs |= {frozenset(pair[:2]): pair for pair in near}
    if pairs:
        with context.db.write() as session:
            merging.flag(session, list(pairs.values()), context.now)
    return len(pairs)


def _near(context: Context, new: frozenset[int], start: datetime, end: datetime) -> list[Pair]:
    """The pairs among a period's items of which one at least is new."""
    with context.db.read() as session:
        if not item_store.any_beyond(session, _ARXIV, start, end):
            return []
        items = item_store.candidates(session, start, end)
        outsiders = frozenset(place for place, item in enumerate(items) if not item.key.startswith(_ARXIV))
        matrix = _vectors(session, items)
    found = intake.match([_record(item) for item in items], new=outsiders, vectors=matrix)
    return [pair for pair in _pairs(items, found) if pair[0] in new or pair[1] in new]


def _pairs(items: Sequence[Item], found: Matching) -> Iterator[Pair]:
    """The possible pairs by item id, and the certain ones, which are joined only by a person too."""
    for place, group in enumerate(found.groups):
        if place != group:
            yield (
                items[place].id or 0,
                items[group].id or 0,
                _CERTAIN,
                _SURE,
            )
    for pair in found.possible:
        yield items[pair.one].id or 0, items[pair.other].id or 0, pair.chance, pair.reason


def _vectors(session: Session, items: Sequence[Item]) -> Matrix:
    """The vectors that tagging has stored; an item that has none yet gets one for this comparison."""
    stored = judgements.item_vectors(session, [item.id or 0 for item in items])
    missing = {item.id or 0: embedded_text(item) for item in items if (item.id or 0) not in stored}
    made = dict(zip(missing, ranking.pack(vectors().embed(list(missing.values()))), strict=True)) if missing else {}
    return ranking.unpack([made.get(item.id or 0) or stored[item.id or 0].vector for item in items])


def _record(item: Item) -> Record:
    return Record(
        record_id=str(item.id),
        source=item.source_id,
        key=item.key,
        title=item.title,
        url=match_form(item.url),
        text=abstract(item),
        authors=item.authors,
        published=item.published,
    )
