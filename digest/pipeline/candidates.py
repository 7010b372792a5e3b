"""A period's items as the ranker reads them, with their vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlmodel import Session

from digest import ranking
from digest.models import Item, Tagging
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.texts import abstract, embedded_text
from digest.ranking import Candidate
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements
from digest.vectors import vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


def candidates_of(
    context: Context, session: Session, period: Period
) -> tuple[list[Item], list[Candidate], Matrix | None]:
    """The items of a period, as candidates, and their vectors row by row."""
    items = item_store.candidates(session, period.start(context.zone), period.end(context.zone))
    ids = [item.id or 0 for item in items]
    verdicts = judgements.taggings(session, ids)
    mentions = item_store.mention_counts(session, ids)
    covered = issue_store.covered(session, period.name)
    candidates = [_candidate(context, item, verdicts, mentions, covered) for item in items]
    return items, candidates, embedded(session, items)


def ranking_context(context: Context, period: Period | None = None) -> ranking.Context:
    """What the ranker knows beside the candidates, but for a taste."""
    now = context.now if period is None else min(context.now, period.end(context.zone))
    return ranking.Context(
        now=now,
        interests=context.config.newsletter.interests,
        descriptions=tuple(category.description for category in context.config.taxonomy.categories),
    )


def _candidate(
    context: Context,
    item: Item,
    verdicts: Mapping[int, Mapping[str, Tagging]],
    mentions: Mapping[int, int],
    covered: Mapping[int, str],
) -> Candidate:
    rows = verdicts.get(item.id or 0, {})
    best = judgements.best(rows)
    source = context.config.source(item.source_id)
    judged = [row.relevance for row in rows.values() if row.relevance is not None]
    return Candidate(
        key=item.key,
        title=item.title,
        abstract=abstract(item),
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


def embedded(session: Session, items: Sequence[Item]) -> Matrix | None:
    """The items' vectors, row by row: the stored ones, and fresh ones where the text has changed since."""
    if not items:
        return None
    stored = judgements.item_vectors(session, [item.id or 0 for item in items])
    fresh = {
        item.id: embedded_text(item)
        for item in items
        if (row := stored.get(item.id or 0)) is None or row.item_digest != item.digest
    }
    made = dict(zip(fresh, ranking.pack(vectors().embed(list(fresh.values()))), strict=True)) if fresh else {}
    return ranking.unpack([made[item.id] if item.id in made else stored[item.id or 0].vector for item in items])
