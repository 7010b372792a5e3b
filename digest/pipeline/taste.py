"""The editor's taste: learned from approved issues and imported archives, used only once it has proved itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from sqlmodel import Session

from digest import ranking
from digest.periods import Period
from digest.pipeline.candidates import build_ranking_context, load_candidates
from digest.pipeline.context import Context
from digest.ranking import PreferenceModel, TrainingMonth
from digest.store import issues as issue_store
from digest.store import settings
from digest.text import hash_texts

_SETTING_NAME = "taste"
_MAX_OTHERS = 2000  # candidates a month that were not picked: enough to learn from


def load_preferences(context: Context) -> tuple[PreferenceModel | None, str]:
    """The taste to rank with, or None for the packaged prior, and why in a sentence."""
    with context.db.read() as session:
        kept = settings.load_value(session, _SETTING_NAME)
    if not kept:
        return None, "the public prior ranks; nothing was learned from your picks yet"
    if kept.get("form", 1) != ranking.PREFERENCES_VERSION:
        return None, "the public prior ranks; your taste must be learned anew for this version: digest rank --learn yes"
    data = kept.get("taste")
    return PreferenceModel.from_bytes(base64.b64decode(data)) if data else None, str(kept["sentence"])


def learn_preferences(context: Context) -> str:
    """Learn from what was picked, if that has changed since; returns what came of it, in a sentence."""
    with context.db.read() as session:
        chosen = issue_store.load_picked_item_ids(session)
        mark = hash_texts(
            str(ranking.PREFERENCES_VERSION), *(f"{period}:{sorted(ids)}" for period, ids in sorted(chosen.items()))
        )
        kept = settings.load_value(session, _SETTING_NAME)
        if kept.get("of") == mark:
            return str(kept["sentence"])
        months = _load_training_months(context, session, chosen)
    proof, taste = ranking.train_and_prove(months, build_ranking_context(context), ranking.load_default_preferences())
    value = {
        "of": mark,
        "form": ranking.PREFERENCES_VERSION,
        "sentence": proof.sentence,
        "taste": _encode_preferences(taste),
    }
    with context.db.write() as session:
        settings.save_value(session, _SETTING_NAME, value, context.now)
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
            months.append(ranking.sample_month(TrainingMonth(name, candidates, picked, matrix), _MAX_OTHERS))
    return months


def _encode_preferences(taste: PreferenceModel | None) -> str:
    return base64.b64encode(taste.to_bytes()).decode() if taste else ""
