"""Taggings, rankings, vectors, candidate pages.

A period's ranking as the editor leafs through it: filtered and paged in SQL.

Taggings, rankings and vectors: what taggers and rankers said, written in bulk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, case, func, literal_column, or_, table
from sqlalchemy import select as core_select
from sqlmodel import Session, col, delete, select

from digest.db.bulk import in_list, upsert
from digest.db.search import build_match_expression
from digest.embeddings import load_embeddings, pack_vectors, unpack_vectors
from digest.models.items import Item, build_embedding_text
from digest.models.predictions import ItemVector, Ranking, Tagging

if TYPE_CHECKING:
    from digest.embeddings import Matrix


def load_untagged_items(session: Session, engine: str, taxonomy: str) -> dict[int, datetime]:
    """Items that the engine has not judged in their present words and under this taxonomy, each with its date.

    The date is that of publication, else of first sight.
    """
    joined = (col(Tagging.item_id) == col(Item.id)) & (col(Tagging.engine) == engine)
    query = (
        select(Item.id, func.coalesce(Item.published, Item.first_seen))
        .join(Tagging, joined, isouter=True)
        .where(col(Item.merged_into).is_(None))
        .where(
            col(Tagging.id).is_(None)
            | (col(Tagging.taxonomy) != taxonomy)
            | (col(Tagging.item_digest) != col(Item.digest))
        )
        .order_by(col(Item.id))
    )
    return dict(session.exec(query).all())


def save_taggings(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write taggings, one per item and engine."""
    columns = ["category", "secondary", "confidence", "relevance", "novelty", "reason", "taxonomy", "item_digest", "at"]
    upsert(session, Tagging, rows, ["item_id", "engine"], columns)


def load_taggings(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Tagging]]:
    """Each item's taggings by engine."""
    out: dict[int, dict[str, Tagging]] = {}
    for row in session.exec(select(Tagging).where(in_list(Tagging.item_id, ids))):
        out.setdefault(row.item_id, {})[row.engine] = row
    return out


def load_engine_categories(session: Session, engine: str) -> dict[int, str]:
    """Each item's category in the eyes of one engine."""
    return dict(session.exec(select(Tagging.item_id, Tagging.category).where(Tagging.engine == engine)).all())


def delete_engine_taggings(session: Session, engine: str) -> None:
    """Drop an engine's verdicts, so that everything is judged again."""
    session.connection().execute(delete(Tagging).where(col(Tagging.engine) == engine))


def choose_best_tagging(rows: Mapping[str, Tagging]) -> Tagging | None:
    """The verdict that counts: the editor's, else a model's, else the embedded tagger's."""
    return min(rows.values(), key=lambda row: (_get_engine_priority(row.engine), -(row.id)), default=None)


def _get_engine_priority(engine: str) -> int:
    return {"editor": 0, "embedded": 2}.get(engine, 1)


def save_vectors(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write items' vectors beside the hash of the text they were made from."""
    upsert(session, ItemVector, rows, ["item_id"], ["item_digest", "vector"])


def load_item_vectors(session: Session, ids: Sequence[int]) -> dict[int, ItemVector]:
    """Stored vectors by item id."""
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
    """Make `rows` the ranking of a period."""
    session.connection().execute(delete(Ranking).where(col(Ranking.period) == period))
    upsert(session, Ranking, rows, ["period", "item_id"])


def load_ranking(session: Session, period: str, limit: int | None = None) -> list[tuple[Ranking, Item]]:
    """A period's candidates, best first."""
    query = (
        select(Ranking, Item)
        .where(Ranking.period == period, Ranking.item_id == Item.id)
        .order_by(col(Ranking.place))
        .limit(limit)
    )
    return [(row, item) for row, item in session.exec(query)]


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
