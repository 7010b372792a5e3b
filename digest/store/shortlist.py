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
from digest.store.database import in_list
from digest.store.search import build_match_expression

_INDEX = table("item_words")


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """What to show of a period. Empty means any; `keys` and `without` are the works a mark on the sheet names."""

    period: str
    start: datetime
    end: datetime
    category: str = ""
    source: str = ""
    text: str = ""
    keys: Collection[str] | None = None
    excluded_keys: Collection[str] = ()


def load_candidate_page(
    session: Session, candidate_filter: CandidateFilter, offset: int, limit: int
) -> tuple[list[tuple[Item, Ranking | None]], int]:
    """The works wanted, best ranked first, and how many there are; words also find works beyond the ranking."""
    rules = list(_build_conditions(candidate_filter))
    ranked = (col(Ranking.item_id) == col(Item.id)) & (col(Ranking.period) == candidate_filter.period)
    joined = select(Item, Ranking).join(Ranking, ranked, isouter=bool(candidate_filter.text))
    unranked_last = (
        [col(Ranking.place).is_(None)] if candidate_filter.text else []
    )  # without it the index gives the order
    rows = session.exec(
        joined.where(*rules).order_by(*unranked_last, col(Ranking.place), col(Item.id)).offset(offset).limit(limit)
    )
    counted = (
        select(func.count()).select_from(Item).join(Ranking, ranked, isouter=bool(candidate_filter.text)).where(*rules)
    )
    return [(item, row) for item, row in rows], int(session.exec(counted).one())


def count_ranked_items_by_source(session: Session, period: str) -> list[tuple[str, int]]:
    """The sources of a period's ranked works and how many each brought, most first."""
    query = (
        select(Item.source_id, func.count())
        .where(Ranking.period == period, Ranking.item_id == Item.id)
        .group_by(Item.source_id)
        .order_by(func.count().desc(), Item.source_id)
    )
    return [(name, count) for name, count in session.exec(query)]


def _build_conditions(candidate_filter: CandidateFilter) -> Sequence[ColumnElement[bool] | bool]:
    rules: list[Any] = [col(Item.merged_into).is_(None)]
    if candidate_filter.category:
        rules.append(_select_best_category() == candidate_filter.category)
    if candidate_filter.source:
        rules.append(Item.source_id == candidate_filter.source)
    if candidate_filter.keys is not None:
        rules.append(in_list(col(Item.key), candidate_filter.keys))
    if candidate_filter.excluded_keys:
        rules.append(~in_list(col(Item.key), candidate_filter.excluded_keys))
    if candidate_filter.text:
        dated = (col(Item.published) >= candidate_filter.start) & (col(Item.published) < candidate_filter.end)
        rules += [_matches_text(candidate_filter.text), or_(col(Ranking.id).is_not(None), dated)]
    return rules


def _select_best_category() -> ColumnElement[str]:
    """The category that counts: the editor's, else a model's, else the embedded tagger's."""
    order = case((col(Tagging.engine) == "editor", 0), (col(Tagging.engine) == "embedded", 2), else_=1)
    best = select(Tagging.category).where(Tagging.item_id == Item.id).order_by(order, col(Tagging.id).desc()).limit(1)
    return func.coalesce(best.scalar_subquery(), "other")


def _matches_text(text: str) -> ColumnElement[bool]:
    """Whether the index has all the words in an item; nothing when there is no word in them."""
    match = build_match_expression(text)
    column: ColumnElement[str] = literal_column("item_words")
    number: ColumnElement[int] = literal_column("rowid")
    rows = core_select(number).select_from(_INDEX).where(column.op("MATCH")(match))
    return col(Item.id).in_(rows) if match else literal_column("0") == 1
