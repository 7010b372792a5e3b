"""Taggings, item vectors and rankings, and the candidate pages of the editor, filtered in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, or_
from sqlmodel import Session, col, delete, select, update

from digest.db.bulk import in_list, upsert
from digest.db.items import build_period_conditions
from digest.db.search import matches_text
from digest.embeddings import load_embeddings, pack_vectors, unpack_vectors
from digest.models.items import Item, build_embedding_text
from digest.models.predictions import ItemVector, Ranking, Tagging

if TYPE_CHECKING:
    from digest.embeddings import Matrix


def load_untagged_items(
    session: Session, engine: str, taxonomy: str, ids: Sequence[int] | None = None
) -> dict[int, datetime]:
    """Load the items, or those of `ids`, without a tagging of this engine, text and taxonomy, each with its date.

    The date is that of publication, else of first sight.
    """
    joined = (col(Tagging.item_id) == col(Item.id)) & (col(Tagging.engine) == engine)
    outdated = (col(Tagging.taxonomy) != taxonomy) | (col(Tagging.item_digest) != col(Item.digest))
    query = (
        select(Item.id, func.coalesce(Item.published, Item.first_seen))
        .join(Tagging, joined, isouter=True)
        .where(col(Item.merged_into).is_(None), col(Tagging.id).is_(None) | outdated)
        .order_by(col(Item.id))
    )
    if ids is not None:
        query = query.where(in_list(Item.id, ids))
    return dict(session.exec(query).all())


def count_categories(session: Session, engine: str, ids: Sequence[int]) -> dict[str, int]:
    """Count the items of each category among `ids`, as one engine tagged them."""
    query = select(Tagging.category, func.count()).where(Tagging.engine == engine, in_list(Tagging.item_id, ids))
    return dict(session.exec(query.group_by(Tagging.category)).all())


def save_taggings(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store taggings, one an item and engine."""
    columns = ["category", "secondary", "confidence", "relevance", "novelty", "reason", "taxonomy", "item_digest", "at"]
    upsert(session, Tagging, rows, ["item_id", "engine"], columns)


def load_taggings(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Tagging]]:
    """Load each item's taggings by engine."""
    taggings: dict[int, dict[str, Tagging]] = {}
    for row in session.exec(select(Tagging).where(in_list(Tagging.item_id, ids))):
        taggings.setdefault(row.item_id, {})[row.engine] = row
    return taggings


def load_engine_categories(session: Session, engine: str) -> dict[int, str]:
    """Load each item's category as one engine tagged it."""
    return dict(session.exec(select(Tagging.item_id, Tagging.category).where(Tagging.engine == engine)).all())


def delete_engine_taggings(session: Session, engine: str) -> None:
    """Delete an engine's taggings, so that it tags everything again."""
    session.connection().execute(delete(Tagging).where(col(Tagging.engine) == engine))


def choose_best_tagging(rows: Mapping[str, Tagging]) -> Tagging | None:
    """Choose the editor's tagging, else a model's, else the embedded tagger's."""
    priorities = {"editor": 0, "embedded": 2}
    return min(rows.values(), key=lambda row: (priorities.get(row.engine, 1), -row.id), default=None)


def save_vectors(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store vectors of tagged items with the hash of their text; the items are to be compared with others."""
    rows = [{**row, "is_compared": False} for row in rows]
    upsert(session, ItemVector, rows, ["item_id"], ["item_digest", "vector", "is_compared"])


def load_uncompared_items(session: Session) -> dict[int, datetime]:
    """Load the items that were tagged and not compared with others since, each with its date, as above."""
    query = (
        select(Item.id, func.coalesce(Item.published, Item.first_seen))
        .join(ItemVector, col(ItemVector.item_id) == col(Item.id))
        .where(col(ItemVector.is_compared).is_(False), col(Item.merged_into).is_(None))
    )
    return dict(session.exec(query.order_by(col(Item.id))).all())


def mark_compared(session: Session, ids: Sequence[int]) -> None:
    """Record that items were compared with others."""
    statement = update(ItemVector).where(in_list(ItemVector.item_id, ids)).values(is_compared=True)
    session.connection().execute(statement)


class StoredVector(NamedTuple):
    """What a comparison knows of an item without reading its text; the vector is missing when the text is newer."""

    item_id: int
    key: str
    title_key: str
    vector: bytes | None


def load_stored_vectors(session: Session, start: datetime, end: datetime) -> list[StoredVector]:
    """Load the vectors of a period's items, by id."""
    joined = (col(ItemVector.item_id) == col(Item.id)) & (col(ItemVector.item_digest) == col(Item.digest))
    query = select(Item.id, Item.key, Item.title_key, ItemVector.vector).join(ItemVector, joined, isouter=True)
    rows = session.exec(query.where(*build_period_conditions(start, end)).order_by(col(Item.id)))
    return [StoredVector(*row) for row in rows]


def load_item_vectors(session: Session, ids: Sequence[int]) -> dict[int, ItemVector]:
    """Load the stored vectors by item id."""
    return {row.item_id: row for row in session.exec(select(ItemVector).where(in_list(ItemVector.item_id, ids)))}


def load_item_embeddings(session: Session, items: Sequence[Item]) -> Matrix | None:
    """Return the items' vectors row by row: stored ones, and new ones where the text has changed since."""
    if not items:
        return None
    digests = {item.id: item.digest for item in items}
    rows = load_item_vectors(session, list(digests))
    vectors = {key: row.vector for key, row in rows.items() if row.item_digest == digests[key]}
    if missing := [item for item in items if item.id not in vectors]:
        packed = pack_vectors(load_embeddings().embed([build_embedding_text(item) for item in missing]))
        vectors |= zip((item.id for item in missing), packed, strict=True)
    return unpack_vectors([vectors[item.id] for item in items])


def replace_ranking(session: Session, period: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the ranking of a period by `rows`."""
    session.connection().execute(delete(Ranking).where(col(Ranking.period) == period))
    upsert(session, Ranking, rows, ["period", "item_id"])


def load_ranking(session: Session, period: str, limit: int | None = None) -> list[tuple[Ranking, Item]]:
    """Load a period's candidates, best first."""
    query = select(Ranking, Item).where(Ranking.period == period, Ranking.item_id == Item.id)
    return list(session.exec(query.order_by(col(Ranking.place)).limit(limit)).all())


@dataclass(frozen=True, slots=True)
class CandidateFilter:
    """What to show of a period; empty means any. The keys are works that a mark on the draft names."""

    period: str
    start: datetime
    end: datetime
    category: str = ""
    source: str = ""
    kind: str = ""  # as `Item.kind`
    text: str = ""
    keys: Collection[str] | None = None
    excluded_keys: Collection[str] = ()
    category_order: Sequence[str] = ()  # lists by category first, in this order


def load_candidate_page(
    session: Session, candidate_filter: CandidateFilter, offset: int, limit: int
) -> tuple[list[tuple[Item, Ranking | None]], int]:
    """Load a page of candidates, best first, and count all; a text also finds items that are not ranked."""
    conditions = _build_conditions(candidate_filter)
    includes_unranked = bool(candidate_filter.text)
    ranked = (col(Ranking.item_id) == col(Item.id)) & (col(Ranking.period) == candidate_filter.period)
    rows = select(Item, Ranking).join(Ranking, ranked, isouter=includes_unranked).where(*conditions)
    # Without this first criterion the index gives the order.
    unranked_last = [col(Ranking.place).is_(None)] if includes_unranked else []
    by_category = []
    if candidate_filter.category_order:
        places = {slug: place for place, slug in enumerate(candidate_filter.category_order)}
        by_category = [case(places, value=_select_best_category(), else_=len(places))]
    rows = rows.order_by(*by_category, *unranked_last, col(Ranking.place), col(Item.id)).offset(offset).limit(limit)
    total = select(func.count()).select_from(Item).join(Ranking, ranked, isouter=includes_unranked).where(*conditions)
    return list(session.exec(rows).all()), session.exec(total).one()


def count_ranked_items_by_source(session: Session, period: str) -> list[tuple[str, int]]:
    """Count the ranked items that each source brought, most first."""
    query = select(Item.source_id, func.count()).where(Ranking.period == period, Ranking.item_id == Item.id)
    return list(session.exec(query.group_by(Item.source_id).order_by(func.count().desc(), Item.source_id)).all())


def _build_conditions(candidate_filter: CandidateFilter) -> list[Any]:
    conditions: list[Any] = [col(Item.merged_into).is_(None)]
    if candidate_filter.category:
        conditions.append(_select_best_category() == candidate_filter.category)
    if candidate_filter.kind:
        conditions.append(Item.kind == candidate_filter.kind)
    if candidate_filter.source:
        conditions.append(Item.source_id == candidate_filter.source)
    if candidate_filter.keys is not None:
        conditions.append(in_list(col(Item.key), candidate_filter.keys))
    if candidate_filter.excluded_keys:
        conditions.append(~in_list(col(Item.key), candidate_filter.excluded_keys))
    if candidate_filter.text:
        dated = (col(Item.published) >= candidate_filter.start) & (col(Item.published) < candidate_filter.end)
        conditions += [matches_text(candidate_filter.text), or_(col(Ranking.id).is_not(None), dated)]
    return conditions


def _select_best_category() -> ColumnElement[str]:
    """Select the category of the best tagging, as `choose_best_tagging` does."""
    order = case((col(Tagging.engine) == "editor", 0), (col(Tagging.engine) == "embedded", 2), else_=1)
    best = select(Tagging.category).where(Tagging.item_id == Item.id).order_by(order, col(Tagging.id).desc()).limit(1)
    return func.coalesce(best.scalar_subquery(), "other")


def count_items_by_category(session: Session, engine: str, start: datetime, end: datetime) -> dict[str, int]:
    """Count a period's items in each category, as one engine tagged them."""
    moment = func.coalesce(Item.published, Item.first_seen)
    query = (
        select(Tagging.category, func.count())
        .where(Tagging.item_id == Item.id, Tagging.engine == engine, col(Item.merged_into).is_(None))
        .where(moment >= start, moment < end)
        .group_by(Tagging.category)
    )
    return dict(session.exec(query).all())
