"""After tagging: which new items may be a work that is here already under another key; a person decides.

Two arXiv papers are not compared: a month has thousands, arXiv tells its own apart, and the pairs that matter here are
a post, page or PDF and the paper it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
_SPAN = timedelta(days=90)
_CERTAIN = 0.99
_SURE = "the same title or a link, and what goes with it"

Pair = tuple[int, int, float, str]


def flag_possible(context: Context, fresh: Sequence[Item]) -> int:
    """Keep the pairs of a fresh item and another one near in time that may be one work; returns how many there are.

    Many months at once are compared span by span, each with what lies around it, so that a year needs no more memory
    than a season; pairs that lie further apart than that are not looked for, however few items there are.
    """
    found: set[tuple[int, int]] = set()
    for span in _spans(fresh):
        pairs = _around(context, span)
        with context.db.write() as session:
            merging.flag(session, pairs, context.now)
        found.update((min(one, other), max(one, other)) for one, other, _, _ in pairs)
    return len(found)


def _spans(fresh: Sequence[Item]) -> Iterator[list[Item]]:
    """The items by date, in lists that each cover no more than a span of days."""
    waiting = sorted(fresh, key=_moment)
    while waiting:
        end = _moment(waiting[0]) + _SPAN
        count = sum(_moment(item) <= end for item in waiting)
        yield waiting[:count]
        waiting = waiting[count:]


def _around(context: Context, fresh: Sequence[Item]) -> list[Pair]:
    """The pairs of these items and those near them in time."""
    moments = [_moment(item) for item in fresh]
    new = frozenset(item.id for item in fresh)
    with context.db.read() as session:
        items = item_store.candidates(session, min(moments) - _AROUND, max(moments) + _AROUND)
        outsiders = frozenset(place for place, item in enumerate(items) if not item.key.startswith("arxiv:"))
        if not outsiders:
            return []
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


def _moment(item: Item) -> datetime:
    return item.published or item.first_seen
