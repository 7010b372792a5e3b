"""The editor's taste: learned from approved issues and imported archives, used only once it has proved itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from sqlmodel import Session

from digest import ranking
from digest.periods import Period
from digest.pipeline.candidates import candidates_of, ranking_context
from digest.pipeline.context import Context
from digest.ranking import Month, Taste
from digest.store import issues as issue_store
from digest.store import settings
from digest.text import hexdigest

_NAME = "taste"
_OTHERS = 2000  # candidates a month that were not picked: enough to learn from


def known_taste(context: Context) -> tuple[Taste | None, str]:
    """The taste to rank with, or None for the packaged prior, and why in a sentence."""
    with context.db.read() as session:
        kept = settings.read(session, _NAME)
    if not kept:
        return None, "the public prior ranks; nothing was learned from your picks yet"
    if kept.get("form", 1) != ranking.FORM_OF_TASTE:
        return None, "the public prior ranks; your taste must be learned anew for this version: digest rank --learn yes"
    data = kept.get("taste")
    return Taste.from_bytes(base64.b64decode(data)) if data else None, str(kept["sentence"])


def learn(context: Context) -> str:
    """Learn from what was picked, if that has changed since; returns what came of it, in a sentence."""
    with context.db.read() as session:
        chosen = issue_store.chosen(session)
        mark = hexdigest(
            str(ranking.FORM_OF_TASTE), *(f"{period}:{sorted(ids)}" for period, ids in sorted(chosen.items()))
        )
        kept = settings.read(session, _NAME)
        if kept.get("of") == mark:
            return str(kept["sentence"])
        months = _months(context, session, chosen)
    proof, taste = ranking.settle(months, ranking_context(context), ranking.prior())
    value = {
        "of": mark,
        "form": ranking.FORM_OF_TASTE,
        "sentence": proof.sentence,
        "taste": _text(taste),
    }
    with context.db.write() as session:
        settings.write(session, _NAME, value, context.now)
    return proof.sentence


def _months(context: Context, session: Session, chosen: Mapping[str, frozenset[int]]) -> list[Month]:
    months = []
    for name, ids in sorted(chosen.items()):
        period: Period = context.period(name)
        items, candidates, matrix = candidates_of(context, session, period)
        picked = [item.id in ids for item in items]
        if any(picked):
            months.append(ranking.thinned(Month(name, candidates, picked, matrix), _OTHERS))
    return months


def _text(taste: Taste | None) -> str:
    return base64.b64encode(taste.to_bytes()).decode() if taste else ""
