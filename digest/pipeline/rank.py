"""`rank`: a period's candidates in order, each with reasons a person understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from digest import ranking
from digest.errors import NotFoundError
from digest.models import Item, Tagging
from digest.periods import Period
from digest.pipeline.context import Context, recorded
from digest.pipeline.tag import abstract, embedded_text
from digest.ports import Report
from digest.ranking import Candidate, Ranked
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import judgements
from digest.vectors import vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_KEPT = 2000  # places stored of a period; nobody reads further, and the rest can be ranked again


def rank(context: Context, period: Period) -> Report:
    """Rank the items published in the period and store the best of them with their reasons."""
    with recorded(context, "rank", period.name) as report:
        with context.db.read() as session:
            items, ranked = ranked_candidates(context, session, period)
        ids = {item.key: item.id for item in items}
        rows = [
            {
                "period": period.name,
                "item_id": ids[one.candidate.key],
                "place": one.place,
                "score": one.score,
                "reasons": [reason.as_dict() for reason in one.reasons],
                "ranker": "prior",
                "at": context.now,
            }
            for one in ranked[:_KEPT]
        ]
        with context.db.write() as session:
            judgements.replace_ranking(session, period.name, rows)
        report.numbers = {"candidates": len(items), "ranker": "prior"}
        report.line = f"{period}: {len(items)} candidates ranked"
        if not items:
            report.line += "; nothing published in this period was fetched"
    return report


def ranked_candidates(context: Context, session: Session, period: Period) -> tuple[list[Item], list[Ranked]]:
    """The period's items and their ranking, best first."""
    items = item_store.candidates(session, period.start(context.zone), period.end(context.zone))
    ids = [item.id or 0 for item in items]
    verdicts = judgements.taggings(session, ids)
    mentions = item_store.mention_counts(session, ids)
    covered = issue_store.covered(session, period.name)
    candidates = [_candidate(context, item, verdicts, mentions, covered) for item in items]
    newsletter, taxonomy = context.config.newsletter, context.config.taxonomy
    known = ranking.Context(
        now=min(context.now, period.end(context.zone)),
        interests=newsletter.interests,
        descriptions=tuple(category.description for category in taxonomy.categories),
    )
    return items, ranking.rank(candidates, known, embedded(session, items))


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


def explain(context: Context, period: Period, name: str) -> dict[str, Any]:
    """What each part added to an item's score in a period; raises NotFoundError."""
    with context.db.read() as session:
        item = item_store.named(session, name)
        _, ranked = ranked_candidates(context, session, period)
    one = next((one for one in ranked if one.candidate.key == item.key), None)
    if one is None:
        raise NotFoundError(f"{item.key} is not a candidate of {period}", "see its date with `digest search`")
    return {
        "key": item.key,
        "title": item.title,
        "place": one.place,
        "of": len(ranked),
        "score": round(one.score, 3),
        "reasons": [reason.as_dict() for reason in one.reasons],
    }
