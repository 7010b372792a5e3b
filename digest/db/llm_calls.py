"""Calls of language models, what they cost, and cached answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, func, select, update

from digest.db.bulk import in_list, upsert
from digest.models.runs import CachedAnswer, LLMCall


class CostRow(NamedTuple):
    """The spend of one stage on one model in a month; `month` is YYYY-MM in UTC."""

    month: str
    stage: str
    model: str
    calls: int
    prompt_tokens: int
    output_tokens: int
    usd: float
    unanswered: int  # calls of which it is not known whether they were billed; `usd` holds what they cost at most


def save_llm_call(session: Session, call: LLMCall) -> int:
    """Store a call and return its id."""
    session.add(call)
    session.flush()
    return call.id


def update_llm_call(session: Session, call_id: int, **facts: Any) -> None:
    """Store the outcome of a call."""
    session.exec(update(LLMCall).where(col(LLMCall.id) == call_id).values(**facts))


def save_cached_answers(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Store answers: rows of key, stage, item_id, call_id, value, at."""
    upsert(session, CachedAnswer, rows, ["key"], ["call_id", "value", "at"])


def load_cached_answers(session: Session, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Load the cached answers of these keys."""
    return {row.key: row.value for row in session.exec(select(CachedAnswer).where(in_list(CachedAnswer.key, keys)))}


def sum_spend_since(session: Session, start: datetime) -> float:
    """Sum the USD billed from `start` on."""
    return float(session.exec(select(func.coalesce(func.sum(LLMCall.usd), 0.0)).where(LLMCall.at >= start)).one())


def sum_run_spend(session: Session, first_run: int) -> float:
    """Sum the USD billed to a run and the stages in it, which have later numbers."""
    query = select(func.coalesce(func.sum(LLMCall.usd), 0.0)).where(col(LLMCall.run_id) >= first_run)
    return float(session.exec(query).one())


def get_month_start(now: datetime) -> datetime:
    """Return the first moment of the month of `now`, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def load_costs(session: Session, since: datetime | None = None) -> list[CostRow]:
    """Load the spend by month, stage and model, newest month first."""
    totals: dict[tuple[str, str, str], list[float]] = {}
    query = select(LLMCall).order_by(col(LLMCall.at).desc())
    for call in session.exec(query.where(LLMCall.at >= since) if since else query):
        # The version that answered is shown where it says more than the name that was asked.
        has_version = call.model_version not in ("", call.model)
        model = f"{call.model} ({call.model_version})" if has_version else call.model
        total = totals.setdefault((call.at.strftime("%Y-%m"), call.stage, model), [0, 0, 0, 0.0, 0])
        output = call.output_tokens + call.thought_tokens
        for column, value in enumerate((1, call.prompt_tokens, output, call.usd, call.state == "sent")):
            total[column] += value
    return [
        CostRow(*key, int(calls), int(prompt), int(output), usd, int(unanswered))
        for key, (calls, prompt, output, usd, unanswered) in totals.items()
    ]


def count_failed_calls(session: Session, run_id: int) -> int:
    """Count a run's calls that failed or were never answered."""
    failed = col(LLMCall.state).in_(("failed", "sent"))
    return session.exec(select(func.count()).where(LLMCall.run_id == run_id, failed)).one()
