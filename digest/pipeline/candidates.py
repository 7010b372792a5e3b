"""A period's items as the ranker reads them, with their vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlmodel import Session

from digest import ranking
from digest.models import Item, Tagging
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.texts import build_embedding_text, get_abstract
from digest.ranking import Candidate
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements
from digest.vectors import load_embeddings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


def load_candidates(
    context: Context, session: Session, period: Period
) -> tuple[list[Item], list[Candidate], Matrix | None]:
    """The items of a period, as candidates, and their vectors row by row."""
    items = item_store.load_period_items(session, period.start(context.zone), period.end(context.zone))
    ids = [item.id or 0 for item in items]
    verdicts = judgements.load_taggings(session, ids)
    mentions = item_store.count_mentioning_sources(session, ids)
    covered = issue_store.load_covered_in(session, period.name)
    candidates = [_build_candidate(context, item, verdicts, mentions, covered) for item in items]
    return items, candidates, load_item_embeddings(session, items)


def build_ranking_context(context: Context, period: Period | None = None) -> ranking.RankingContext:
    """What the ranker knows beside the candidates, but for a taste."""
    now = context.now if period is None else min(context.now, period.end(context.zone))
    return ranking.RankingContext(
        now=now,
        interests=context.config.newsletter.interests,
        descriptions=tuple(category.description for category in context.config.taxonomy.categories),
    )


def _build_candidate(
    context: Context,
    item: Item,
    verdicts: Mapping[int, Mapping[str, Tagging]],
    mentions: Mapping[int, int],
    covered: Mapping[int, str],
) -> Candidate:
    rows = verdicts.get(item.id or 0, {})
    best = judgements.choose_best_tagging(rows)
    source = context.config.find_source(item.source_id)
    judged = [row.relevance for row in rows.values() if row.relevance is not None]
    return Candidate(
        key=item.key,
        title=item.title,
        abstract=get_abstract(item),
        authors=item.authors,
        categories=item.categories,
        comment=item.comment or "",
        published=item.published,
        source_id=source.label if source else item.source_id,
        source_weight=source.weight if source else 1.0,
        mentions=mentions.get(item.id or 0, 1),
        relevance=judged[0] if judged else None,
        covered_in=covered.get(item.id or 0),
        category=best.category if best else "other",
        confidence=best.confidence if best else 0.0,
    )


def load_item_embeddings(session: Session, items: Sequence[Item]) -> Matrix | None:
    """The items' vectors, row by row: the stored ones, and fresh ones where the text has changed since."""
    if not items:
        return None
    stored = judgements.load_item_vectors(session, [item.id or 0 for item in items])
    fresh = {
        item.id: build_embedding_text(item)
        for item in items
        if (row := stored.get(item.id or 0)) is None or row.item_digest != item.digest
    }
    made = (
        dict(zip(fresh, ranking.pack_vectors(load_embeddings().embed(list(fresh.values()))), strict=True))
        if fresh
        else {}
    )
    return ranking.unpack_vectors([made[item.id] if item.id in made else stored[item.id or 0].vector for item in items])
