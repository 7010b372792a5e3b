"""A period's ranking as the editor leafs through it: filtered and paged in SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal_column, or_, table
from sqlalchemy import select as core_select
from sqlmodel import Session, col, select

from digest.models import Item, Ranking, Tagging
from digest.store.database import among
from digest.store.search import expression

_INDEX = table("item_words")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to show of a period. Empty means any; `keys` and `without` are the works a mark on the sheet names."""

    period: str
    start: datetime
    end: datetime
    category: str = ""
    source: str = ""
    words: str = ""
    keys: Collection[str] | None = None
    without: Collection[str] = ()


def page(session: Session, wanted: Wanted, offset: int, limit: int) -> tuple[list[tuple[Item, Ranking | None]], int]:
    """The works wanted, best ranked first, and how many there are; words also find works beyond the ranking."""
    rules = list(_rules(wanted))
    ranked = (col(Ranking.item_id) == col(Item.id)) & (col(Ranking.period) == wanted.period)
    joined = select(Item, Ranking).join(Ranking, ranked, isouter=bool(wanted.words))
    unranked_last = [col(Ranking.place).is_(None)] if wanted.words else []  # without it the index gives the order
    rows = session.exec(
        joined.where(*rules).order_by(*unranked_last, col(Ranking.place), col(Item.id)).offset(offset).limit(limit)
    )
    counted = select(func.count()).select_from(Item).join(Ranking, ranked, isouter=bool(wanted.words)).where(*rules)
    return [(item, row) for item, row in rows], int(session.exec(counted).one())


def sources(session: Session, period: str) -> list[tuple[str, int]]:
    """The sources of a period's ranked works and how many each brought, most first."""
    query = (
        select(Item.source_id, func.count())
        .where(Ranking.period == period, Ranking.item_id == Item.id)
        .group_by(Item.source_id)
        .order_by(func.count().desc(), Item.source_id)
    )
    return [(name, count) for name, count in session.exec(query)]


def _rules(wanted: Wanted) -> Sequence[ColumnElement[bool] | bool]:
    rules: list[Any] = [col(Item.merged_into).is_(None)]
    if wanted.category:
        rules.append(_verdict() == wanted.category)
    if wanted.source:
        rules.append(Item.source_id == wanted.source)
    if wanted.keys is not None:
        rules.append(among(col(Item.key), wanted.keys))
    if wanted.without:
        rules.append(~among(col(Item.key), wanted.without))
    if wanted.words:
        dated = (col(Item.published) >= wanted.start) & (col(Item.published) < wanted.end)
        rules += [_holds(wanted.words), or_(col(Ranking.id).is_not(None), dated)]
    return rules


def _verdict() -> ColumnElement[str]:
    """The category that counts: the editor's, else a model's, else the embedded tagger's."""
    order = case((col(Tagging.engine) == "editor", 0), (col(Tagging.engine) == "embedded", 2), else_=1)
    best = select(Tagging.category).where(Tagging.item_id == Item.id).order_by(order, col(Tagging.id).desc()).limit(1)
    return func.coalesce(best.scalar_subquery(), "other")


def _holds(words: str) -> ColumnElement[bool]:
    """Whether the index has all the words in an item; nothing when there is no word in them."""
    match = expression(words)
    column: ColumnElement[str] = literal_column("item_words")
    number: ColumnElement[int] = literal_column("rowid")
    rows = core_select(number).select_from(_INDEX).where(column.op("MATCH")(match))
    return col(Item.id).in_(rows) if match else literal_column("0") == 1
