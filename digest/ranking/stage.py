"""Stage `rank`: load a period's candidates, rank them, and learn the editor's preferences from past picks.

Preferences are learned from approved issues and imported archives, and are used only after they have proved better than
the public ones on held-out months.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from digest.config.schema import Config
from digest.context import Context, record_run
from digest.db.issues import load_covered_in, load_decisions, load_picked_item_ids
from digest.db.items import count_mentioning_sources, get_item, load_period_items
from digest.db.key_value import load_value, save_value
from digest.db.merges import load_possible_duplicates
from digest.db.predictions import (
    choose_best_tagging,
    load_item_embeddings,
    load_ranking,
    load_taggings,
    replace_ranking,
)
from digest.errors import NotFoundError
from digest.ingest.radar import load_namers, record_namings
from digest.models.items import Item, get_abstract
from digest.models.predictions import Decision, Ranking, Tagging
from digest.periods import Period
from digest.protocols import Report
from digest.ranking.namers import NamerWeights
from digest.ranking.preference import PREFERENCES_VERSION, PreferenceModel, load_default_preferences
from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.steering import Steering, find_muted
from digest.ranking.training import TrainingMonth, learn_namer_weights, sample_month, train_and_prove
from digest.ranking.types import Candidate, RankedCandidate, RankerInput
from digest.text import format_count, hash_texts
from digest.urls.kinds import classify_kind

if TYPE_CHECKING:
    from digest.embeddings import Matrix


_MAX_STORED = 2000  # papers stored of a period; the rest can be ranked again
_MAX_OTHERS = 2000  # candidates a month that were not picked: enough to learn from
_SETTING_NAME = "taste"


def load_ranker_inputs(
    context: Context, session: Session, period: Period
) -> tuple[list[Item], list[RankerInput], Matrix | None]:
    """Load the items of a period, as the ranker reads them too, and their vectors row by row."""
    items = load_period_items(session, period.start(context.zone), period.end(context.zone))
    ids = [item.id for item in items]
    taggings = load_taggings(session, ids)
    namers = load_namers(context.config, session, items)
    covered = load_covered_in(session, period.name)
    additions = {decision.item_id: decision for decision in load_decisions(session, ("add",))}
    candidates = [
        _build_ranker_input(
            context,
            item,
            taggings.get(item.id, {}),
            namers.get(item.id, ()),
            covered.get(item.id),
            additions.get(item.id),
        )
        for item in items
    ]
    return items, candidates, load_item_embeddings(session, items)


def _build_ranker_input(
    context: Context,
    item: Item,
    taggings: Mapping[str, Tagging],
    named_by: Sequence[str],
    covered_in: str | None,
    addition: Decision | None = None,
) -> RankerInput:
    """Build the ranker's input of a stored item from its taggings by engine."""
    best = choose_best_tagging(taggings)
    source = context.config.find_source(item.source_id)
    return RankerInput(
        key=item.key,
        title=item.title,
        abstract=get_abstract(item),
        authors=item.authors,
        categories=item.categories,
        comment=item.comment or "",
        published=item.published,
        source_id=source.label if source else item.source_id,
        source_weight=source.weight if source else 1.0,
        named_by=named_by,
        relevance=next((row.relevance for row in taggings.values() if row.relevance is not None), None),
        covered_in=covered_in,
        category=best.category if best else "other",
        confidence=best.confidence if best else 0.0,
        kind=classify_kind(item.key, item.url, item.title),
        source_key=item.source_id,
        added_on=addition.at if addition else None,
        added_note=str(addition.detail.get("note", "")) if addition else "",
    )


def load_ranked_candidates(
    session: Session, period: str, limit: int | None = None, config: Config | None = None
) -> list[Candidate]:
    """Load a period's stored ranking as candidates, best first; `config` gives the names of who names them."""
    rows = [(item, ranking) for ranking, item in load_ranking(session, period, limit)]
    return build_candidates(session, period, rows, config)


def build_candidates(
    session: Session, period: str, rows: Sequence[tuple[Item, Ranking | None]], config: Config | None = None
) -> list[Candidate]:
    """Load all that is stored on items, in the view of a period, as candidates."""
    ids = [item.id for item, _ in rows]
    taggings = load_taggings(session, ids)
    mentions = count_mentioning_sources(session, ids)
    covered = load_covered_in(session, period)
    duplicates = load_possible_duplicates(session, ids)
    namers = load_namers(config, session, [item for item, _ in rows]) if config else {}
    return [
        Candidate(
            item,
            ranking,
            choose_best_tagging(taggings.get(item.id, {})),
            mentions.get(item.id, 1),
            namers.get(item.id, ()),
            covered.get(item.id, ""),
            duplicates.get(item.id, ()),
        )
        for item, ranking in rows
    ]


def build_steering(config: Config) -> Steering:
    """Read the steering of sources.yaml."""
    newsletter, follow = config.newsletter, config.newsletter.follow
    return Steering(
        follow.authors, follow.labs, follow.sources, follow.terms, boost=newsletter.boost, mute=newsletter.mute
    )


def build_ranking_context(context: Context, period: Period | None = None) -> RankingContext:
    """Build the ranker's context, without learned preferences."""
    now = context.now if period is None else min(context.now, period.end(context.zone))
    newsletter = context.config.newsletter
    descriptions = tuple(category.description for category in context.config.taxonomy.categories)
    return RankingContext(
        now=now, interests=newsletter.interests, descriptions=descriptions, steering=build_steering(context.config)
    )


def load_preferences(context: Context) -> tuple[PreferenceModel | None, str]:
    """Load the preferences to rank with, None for the public ones, and a sentence that says why."""
    with context.db.read() as session:
        stored = load_value(session, _SETTING_NAME)
    if not stored:
        return None, "the public prior ranks; nothing was learned from your picks yet"
    if stored.get("form", 1) != PREFERENCES_VERSION:
        return None, "the public prior ranks; your taste is of another version: run `digest rank --learn yes`"
    data = stored.get("taste")
    return PreferenceModel.from_bytes(base64.b64decode(data)) if data else None, str(stored["sentence"])


def load_namer_weights(context: Context) -> NamerWeights:
    """Load what was learned of each source that names works, or the defaults."""
    with context.db.read() as session:
        stored = load_value(session, _SETTING_NAME)
    return NamerWeights(**stored["namers"]) if stored and "namers" in stored else NamerWeights()


def learn_preferences(context: Context) -> str:
    """Learn from the picks, if they have changed since the last time; returns the outcome as a sentence."""
    with context.db.read() as session:
        picked = load_picked_item_ids(session)
        picks = (f"{name}:{sorted(ids)}" for name, ids in sorted(picked.items()))
        fingerprint = hash_texts(str(PREFERENCES_VERSION), *picks)
        stored = load_value(session, _SETTING_NAME)
        if stored.get("of") == fingerprint:
            return str(stored["sentence"])
        months = []
        for name, ids in sorted(picked.items()):
            items, candidates, vectors = load_ranker_inputs(context, session, context.parse_period(name))
            month = TrainingMonth(name, candidates, [item.id in ids for item in items], vectors)
            if any(month.picked):
                months.append(sample_month(month, _MAX_OTHERS))
    ranking_context = build_ranking_context(context)
    proof, preferences = train_and_prove(months, ranking_context, load_default_preferences())
    data = base64.b64encode(preferences.to_bytes()).decode() if preferences else ""
    sentence, namers = proof.sentence, {}
    if namer_weights := learn_namer_weights(months, ranking_context):
        namers = {"namers": asdict(namer_weights)}
        sentence += f"; weights of namers: {', '.join(namer_weights.list_learned())}"
    value = {"of": fingerprint, "form": PREFERENCES_VERSION, "sentence": sentence, "taste": data, **namers}
    with context.db.write() as session:
        save_value(session, _SETTING_NAME, value, context.now)
    return sentence


def rank_period(context: Context, period: Period) -> Report:
    """Rank the items published in the period; store the best papers and all else with their reasons."""
    with record_run(context, "rank", period.name) as report:
        record_namings(context, period)
        items, ranked, sentence = _rank_items(context, period)
        ids = {item.key: item.id for item in items}
        rows = [
            {
                "period": period.name,
                "item_id": ids[entry.candidate.key],
                "place": entry.position,
                "score": entry.score,
                "reasons": [reason.as_dict() for reason in entry.reasons],
                "ranker": sentence,
                "at": context.now,
            }
            for entry in _select_stored(ranked)
        ]
        with context.db.write() as session:
            replace_ranking(session, period.name, rows)
        report.numbers = {"candidates": len(items), "ranker": sentence}
        report.line = f"{period}: {format_count(len(items), 'candidate')} ranked; {sentence}"
        if not items:
            report.line += "; nothing published in this period was fetched"
    return report


def _select_stored(ranked: Sequence[RankedCandidate]) -> list[RankedCandidate]:
    """Select the best papers, and everything that is not a paper."""
    papers = (entry.position for entry in ranked if entry.candidate.kind == "paper")
    last = next(islice(papers, _MAX_STORED, None), len(ranked) + 1)
    return [entry for entry in ranked if entry.candidate.kind != "paper" or entry.position < last]


def _rank_items(context: Context, period: Period, *explain_keys: str) -> tuple[list[Item], list[RankedCandidate], str]:
    """Return the period's items, their ranking best first, and a sentence on the ranker.

    The first _MAX_STORED candidates and those of `explain_keys` have reasons.
    """
    preferences, sentence = load_preferences(context)
    with context.db.read() as session:
        items, candidates, vectors = load_ranker_inputs(context, session, period)
    items, candidates, vectors = _drop_muted(context, items, candidates, vectors)
    ranking_context = replace(
        build_ranking_context(context, period), preferences=preferences, namer_weights=load_namer_weights(context)
    )
    ranked = rank_candidates(candidates, ranking_context, vectors, explain_first=_MAX_STORED, explain_keys=explain_keys)
    return items, ranked, sentence


def _drop_muted(
    context: Context, items: list[Item], candidates: list[RankerInput], vectors: Matrix | None
) -> tuple[list[Item], list[RankerInput], Matrix | None]:
    """Leave out what the editor mutes, unless a person added it."""
    steering = build_steering(context.config)
    if not steering.mute or vectors is None:
        return items, candidates, vectors
    rows = [n for n, c in enumerate(candidates) if c.added_on or not find_muted(c, steering)]
    return [items[n] for n in rows], [candidates[n] for n in rows], vectors[rows]


def list_muted(context: Context, period: Period) -> list[dict[str, str]]:
    """List the items of a period that are muted, with the phrase that mutes each."""
    steering = build_steering(context.config)
    with context.db.read() as session:
        items = load_period_items(session, period.start(context.zone), period.end(context.zone))
    rows = ((item, find_muted(_build_ranker_input(context, item, {}, (), None), steering)) for item in items)
    return [{"key": item.key, "title": item.title, "muted": phrase} for item, phrase in rows if phrase]


def explain_ranking(context: Context, period: Period, name: str) -> dict[str, Any]:
    """Return what each part added to an item's score in a period; raises NotFoundError."""
    with context.db.read() as session:
        item = get_item(session, name)
    _, ranked, sentence = _rank_items(context, period, item.key)
    entry = next((entry for entry in ranked if entry.candidate.key == item.key), None)
    if entry is None:
        raise NotFoundError(
            f"{item.key} is not a candidate of {period}",
            f"its date is {item.published or item.first_seen:%Y-%m-%d}; works covered before are no candidates either",
        )
    return {
        "key": item.key,
        "title": item.title,
        "place": entry.position,
        "of": len(ranked),
        "score": round(entry.score, 3),
        "ranker": sentence,
        "reasons": [reason.as_dict() for reason in entry.reasons],
    }
