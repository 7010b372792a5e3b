"""Stage `rank`; candidates from the database; learning.

A period's items as the ranker reads them, with their vectors.

The editor's taste: learned from approved issues and imported archives, used only once it has proved itself.

`rank`: a period's candidates in order, each with reasons a person understands.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from digest.context import Context, record_run
from digest.db.issues import load_covered_in, load_picked_item_ids
from digest.db.items import count_mentioning_sources, get_item, load_period_items
from digest.db.key_value import load_value, save_value
from digest.db.predictions import choose_best_tagging, load_item_vectors, load_taggings, replace_ranking
from digest.embeddings import load_embeddings, pack_vectors, unpack_vectors
from digest.errors import NotFoundError
from digest.models.items import Item, build_embedding_text, get_abstract
from digest.models.predictions import Tagging
from digest.periods import Period
from digest.protocols import Report
from digest.ranking.preference import PREFERENCES_VERSION, PreferenceModel, load_default_preferences
from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.training import TrainingMonth, sample_month, train_and_prove
from digest.ranking.types import Candidate, RankedCandidate
from digest.text import hash_texts

if TYPE_CHECKING:
    from digest.embeddings import Matrix


def load_candidates(
    context: Context, session: Session, period: Period
) -> tuple[list[Item], list[Candidate], Matrix | None]:
    """The items of a period, as candidates, and their vectors row by row."""
    items = load_period_items(session, period.start(context.zone), period.end(context.zone))
    ids = [item.id for item in items]
    verdicts = load_taggings(session, ids)
    mentions = count_mentioning_sources(session, ids)
    covered = load_covered_in(session, period.name)
    candidates = [_build_candidate(context, item, verdicts, mentions, covered) for item in items]
    return items, candidates, load_item_embeddings(session, items)


def build_ranking_context(context: Context, period: Period | None = None) -> RankingContext:
    """What the ranker knows beside the candidates, but for a taste."""
    now = context.now if period is None else min(context.now, period.end(context.zone))
    return RankingContext(
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
    rows = verdicts.get(item.id, {})
    best = choose_best_tagging(rows)
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
        mentions=mentions.get(item.id, 1),
        relevance=judged[0] if judged else None,
        covered_in=covered.get(item.id),
        category=best.category if best else "other",
        confidence=best.confidence if best else 0.0,
    )


def load_item_embeddings(session: Session, items: Sequence[Item]) -> Matrix | None:
    """The items' vectors, row by row: the stored ones, and fresh ones where the text has changed since."""
    if not items:
        return None
    stored = load_item_vectors(session, [item.id for item in items])
    fresh = {
        item.id: build_embedding_text(item)
        for item in items
        if (row := stored.get(item.id)) is None or row.item_digest != item.digest
    }
    made = dict(zip(fresh, pack_vectors(load_embeddings().embed(list(fresh.values()))), strict=True)) if fresh else {}
    return unpack_vectors([made[item.id] if item.id in made else stored[item.id].vector for item in items])


_SETTING_NAME = "taste"
_MAX_OTHERS = 2000  # candidates a month that were not picked: enough to learn from


def load_preferences(context: Context) -> tuple[PreferenceModel | None, str]:
    """The taste to rank with, or None for the packaged prior, and why in a sentence."""
    with context.db.read() as session:
        kept = load_value(session, _SETTING_NAME)
    if not kept:
        return None, "the public prior ranks; nothing was learned from your picks yet"
    if kept.get("form", 1) != PREFERENCES_VERSION:
        return None, "the public prior ranks; your taste must be learned anew for this version: digest rank --learn yes"
    data = kept.get("taste")
    return PreferenceModel.from_bytes(base64.b64decode(data)) if data else None, str(kept["sentence"])


def learn_preferences(context: Context) -> str:
    """Learn from what was picked, if that has changed since; returns what came of it, in a sentence."""
    with context.db.read() as session:
        chosen = load_picked_item_ids(session)
        mark = hash_texts(
            str(PREFERENCES_VERSION), *(f"{period}:{sorted(ids)}" for period, ids in sorted(chosen.items()))
        )
        kept = load_value(session, _SETTING_NAME)
        if kept.get("of") == mark:
            return str(kept["sentence"])
        months = _load_training_months(context, session, chosen)
    proof, taste = train_and_prove(months, build_ranking_context(context), load_default_preferences())
    value = {"of": mark, "form": PREFERENCES_VERSION, "sentence": proof.sentence, "taste": _encode_preferences(taste)}
    with context.db.write() as session:
        save_value(session, _SETTING_NAME, value, context.now)
    return proof.sentence


def _load_training_months(
    context: Context, session: Session, chosen: Mapping[str, frozenset[int]]
) -> list[TrainingMonth]:
    months = []
    for name, ids in sorted(chosen.items()):
        period: Period = context.parse_period(name)
        items, candidates, matrix = load_candidates(context, session, period)
        picked = [item.id in ids for item in items]
        if any(picked):
            months.append(sample_month(TrainingMonth(name, candidates, picked, matrix), _MAX_OTHERS))
    return months


def _encode_preferences(taste: PreferenceModel | None) -> str:
    return base64.b64encode(taste.to_bytes()).decode() if taste else ""


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
            replace_ranking(session, period.name, rows)
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
        rank_candidates(candidates, known, matrix, explain_first=_MAX_STORED, explain_keys=explain_keys),
        sentence,
    )


def explain_ranking(context: Context, period: Period, name: str) -> dict[str, Any]:
    """What each part added to an item's score in a period; raises NotFoundError."""
    with context.db.read() as session:
        item = get_item(session, name)
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
