"""What was asked of language models, what it cost, and the answers kept so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, func, select, update

from digest.models import ModelAnswer, ModelCall
from digest.store.database import among, upsert


class CostRow(NamedTuple):
    """What one stage spent on one model in a month; `month` is YYYY-MM in UTC."""

    month: str
    stage: str
    model: str
    calls: int
    prompt_tokens: int
    output_tokens: int
    usd: float
    unanswered: int  # calls of which it is not known whether they were billed; `usd` holds what they cost at most


def keep_call(session: Session, call: ModelCall) -> int:
    """Write down a call and return its id."""
    session.add(call)
    session.flush()
    assert call.id is not None
    return call.id


def settle_call(session: Session, call_id: int, **facts: Any) -> None:
    """Write down how a call ended."""
    session.exec(update(ModelCall).where(col(ModelCall.id) == call_id).values(**facts))


def keep_answers(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep answers: rows of key, stage, item_id, call_id, value, at."""
    upsert(session, ModelAnswer, rows, ["key"], ["call_id", "value", "at"])


def answers(session: Session, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The kept answers among `keys`."""
    return {row.key: row.value for row in session.exec(select(ModelAnswer).where(among(ModelAnswer.key, keys)))}


def spent_since(session: Session, start: datetime) -> float:
    """USD billed from `start` on."""
    return float(session.exec(select(func.coalesce(func.sum(ModelCall.usd), 0.0)).where(ModelCall.at >= start)).one())


def spent_in(session: Session, first_run: int) -> float:
    """USD billed to a run and the stages in it, which have later numbers."""
    query = select(func.coalesce(func.sum(ModelCall.usd), 0.0)).where(col(ModelCall.run_id) >= first_run)
    return float(session.exec(query).one())


def month_start(now: datetime) -> datetime:
    """The first moment of the month of `now`, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _named(call: ModelCall) -> str:
    """The model that was asked, and the version that answered where that says more."""
    version = call.model_version
    return call.model if version in ("", call.model) else f"{call.model} ({version})"


def costs(session: Session, since: datetime | None = None) -> list[CostRow]:
    """The bill by month, stage and model, newest month first."""
    totals: dict[tuple[str, str, str], list[float]] = {}
    query = select(ModelCall).order_by(col(ModelCall.at).desc())
    for call in session.exec(query.where(ModelCall.at >= since) if since else query):
        key = (call.at.strftime("%Y-%m"), call.stage, _named(call))
        total = totals.setdefault(key, [0, 0, 0, 0.0, 0])
        written = call.output_tokens + call.thought_tokens
        for place, value in enumerate((1, call.prompt_tokens, written, call.usd, call.state == "sent")):
            total[place] += value
    return [
        CostRow(*key, int(calls), int(given), int(written), usd, int(unanswered))
        for key, (calls, given, written, usd, unanswered) in totals.items()
    ]
