"""What was asked of language models, what it cost, and the answers kept so that nothing is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, func, select, update

from digest.db.bulk import in_list, upsert
from digest.models.runs import CachedAnswer, LLMCall


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


def save_llm_call(session: Session, call: LLMCall) -> int:
    """Write down a call and return its id."""
    session.add(call)
    session.flush()
    return call.id


def update_llm_call(session: Session, call_id: int, **facts: Any) -> None:
    """Write down how a call ended."""
    session.exec(update(LLMCall).where(col(LLMCall.id) == call_id).values(**facts))


def save_cached_answers(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep answers: rows of key, stage, item_id, call_id, value, at."""
    upsert(session, CachedAnswer, rows, ["key"], ["call_id", "value", "at"])


def load_cached_answers(session: Session, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The kept answers among `keys`."""
    return {row.key: row.value for row in session.exec(select(CachedAnswer).where(in_list(CachedAnswer.key, keys)))}


def sum_spend_since(session: Session, start: datetime) -> float:
    """USD billed from `start` on."""
    return float(session.exec(select(func.coalesce(func.sum(LLMCall.usd), 0.0)).where(LLMCall.at >= start)).one())


def sum_run_spend(session: Session, first_run: int) -> float:
    """USD billed to a run and the stages in it, which have later numbers."""
    query = select(func.coalesce(func.sum(LLMCall.usd), 0.0)).where(col(LLMCall.run_id) >= first_run)
    return float(session.exec(query).one())


def get_month_start(now: datetime) -> datetime:
    """The first moment of the month of `now`, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _format_model_name(call: LLMCall) -> str:
    """The model that was asked, and the version that answered where that says more."""
    version = call.model_version
    return call.model if version in ("", call.model) else f"{call.model} ({version})"


def load_costs(session: Session, since: datetime | None = None) -> list[CostRow]:
    """The bill by month, stage and model, newest month first."""
    totals: dict[tuple[str, str, str], list[float]] = {}
    query = select(LLMCall).order_by(col(LLMCall.at).desc())
    for call in session.exec(query.where(LLMCall.at >= since) if since else query):
        key = (call.at.strftime("%Y-%m"), call.stage, _format_model_name(call))
        total = totals.setdefault(key, [0, 0, 0, 0.0, 0])
        written = call.output_tokens + call.thought_tokens
        for place, value in enumerate((1, call.prompt_tokens, written, call.usd, call.state == "sent")):
            total[place] += value
    return [
        CostRow(*key, int(calls), int(given), int(written), usd, int(unanswered))
        for key, (calls, given, written, usd, unanswered) in totals.items()
    ]


def count_failed_calls(session: Session, run_id: int) -> int:
    """Count a run's calls that failed or were never answered."""
    failed = col(LLMCall.state).in_(("failed", "sent"))
    return session.exec(select(func.count()).where(LLMCall.run_id == run_id, failed)).one()
