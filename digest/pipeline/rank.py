"""`rank`: a period's candidates in order, each with reasons a person understands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from digest import ranking
from digest.errors import NotFoundError
from digest.models import Item
from digest.periods import Period
from digest.pipeline.candidates import build_ranking_context, load_candidates
from digest.pipeline.context import Context, record_run
from digest.pipeline.taste import load_preferences
from digest.ports import Report
from digest.ranking import RankedCandidate
from digest.store import items as item_store
from digest.store import judgements

_MAX_STORED = 2000  # places stored of a period; nobody reads further, and the rest can be ranked again


def rank_period(context: Context, period: Period) -> Report:
    """Rank the items published in the period and store the best of them with their reasons."""
    with record_run(context, "rank", period.name) as report:
        items, ranked, sentence = _rank_items(context, period)
        ids = {item.key: item.id for item in items}
        rows = [
            {
                "period": period.name,
                "item_id": ids[one.candidate.key],
                "place": one.position,
                "score": one.score,
                "reasons": [reason.as_dict() for reason in one.reasons],
                "ranker": sentence,
                "at": context.now,
            }
            for one in ranked[:_MAX_STORED]
        ]
        with context.db.write() as session:
            judgements.replace_ranking(session, period.name, rows)
        report.numbers = {"candidates": len(items), "ranker": sentence}
        report.line = f"{period}: {len(items)} candidates ranked; {sentence}"
        if not items:
            report.line += "; nothing published in this period was fetched"
    return report


def _rank_items(context: Context, period: Period, *explain_keys: str) -> tuple[list[Item], list[RankedCandidate], str]:
    """The period's items, their ranking best first, and which ranker made it, in a sentence.

    Those that are stored have their reasons, and so have the `wanted` keys.
    """
    taste, sentence = load_preferences(context)
    with context.db.read() as session:
        items, candidates, matrix = load_candidates(context, session, period)
    known = replace(build_ranking_context(context, period), preferences=taste)
    return (
        items,
        ranking.rank_candidates(candidates, known, matrix, explain_first=_MAX_STORED, explain_keys=explain_keys),
        sentence,
    )


def explain_ranking(context: Context, period: Period, name: str) -> dict[str, Any]:
    """What each part added to an item's score in a period; raises NotFoundError."""
    with context.db.read() as session:
        item = item_store.get_item(session, name)
    _, ranked, sentence = _rank_items(context, period, item.key)
    one = next((one for one in ranked if one.candidate.key == item.key), None)
    if one is None:
        raise NotFoundError(
            f"{item.key} is not a candidate of {period}",
            f"its date is {item.published or item.first_seen:%Y-%m-%d}; works covered before are none either",
        )
    return {
        "key": item.key,
        "title": item.title,
        "place": one.position,
        "of": len(ranked),
        "score": round(one.score, 3),
        "ranker": sentence,
        "reasons": [reason.as_dict() for reason in one.reasons],
    }
