"""`rank`: a period's candidates in order, each with reasons a person understands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from digest import ranking
from digest.errors import NotFoundError
from digest.models import Item
from digest.periods import Period
from digest.pipeline.candidates import candidates_of, ranking_context
from digest.pipeline.context import Context, recorded
from digest.pipeline.taste import known_taste
from digest.ports import Report
from digest.ranking import Ranked
from digest.store import items as item_store
from digest.store import judgements

_KEPT = 2000  # places stored of a period; nobody reads further, and the rest can be ranked again


def rank(context: Context, period: Period) -> Report:
    """Rank the items published in the period and store the best of them with their reasons."""
    with recorded(context, "rank", period.name) as report:
        items, ranked, sentence = _ranked(context, period)
        ids = {item.key: item.id for item in items}
        rows = [
            {
                "period": period.name,
                "item_id": ids[one.candidate.key],
                "place": one.place,
                "score": one.score,
                "reasons": [reason.as_dict() for reason in one.reasons],
                "ranker": sentence,
                "at": context.now,
            }
            for one in ranked[:_KEPT]
        ]
        with context.db.write() as session:
            judgements.replace_ranking(session, period.name, rows)
        report.numbers = {"candidates": len(items), "ranker": sentence}
        report.line = f"{period}: {len(items)} candidates ranked; {sentence}"
        if not items:
            report.line += "; nothing published in this period was fetched"
    return report


def _ranked(context: Context, period: Period, *wanted: str) -> tuple[list[Item], list[Ranked], str]:
    """The period's items, their ranking best first, and which ranker made it, in a sentence.

    Those that are stored have their reasons, and so have the `wanted` keys.
    """
    taste, sentence = known_taste(context)
    with context.db.read() as session:
        items, candidates, matrix = candidates_of(context, session, period)
    known = replace(ranking_context(context, period), taste=taste)
    return items, ranking.rank(candidates, known, matrix, explained=_KEPT, wanted=wanted), sentence


def explain(context: Context, period: Period, name: str) -> dict[str, Any]:
    """What each part added to an item's score in a period; raises NotFoundError."""
    with context.db.read() as session:
        item = item_store.named(session, name)
    _, ranked, sentence = _ranked(context, period, item.key)
    one = next((one for one in ranked if one.candidate.key == item.key), None)
    if one is None:
        raise NotFoundError(
            f"{item.key} is not a candidate of {period}",
            f"its date is {item.published or item.first_seen:%Y-%m-%d}; works covered before are none either",
        )
    return {
        "key": item.key,
        "title": item.title,
        "place": one.place,
        "of": len(ranked),
        "score": round(one.score, 3),
        "ranker": sentence,
        "reasons": [reason.as_dict() for reason in one.reasons],
    }
