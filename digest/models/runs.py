"""Tables of runs, results of sources, model calls, checkpoints, locks and named values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from digest.models import json_column


class LLMCall(SQLModel, table=True):
    """A call of a language model, its cost, and its answer for the cache.

    It is stored before it is sent, at its greatest possible cost, and stays so when no answer arrives.
    """

    __tablename__ = "llm_call"
    id: int = Field(default=None, primary_key=True)
    run_id: int | None = Field(default=None, foreign_key="run.id", index=True)
    stage: str
    provider: str
    model: str
    model_version: str = ""
    state: str = "sent"  # sent | ok | bad | failed
    prompt_tokens: int = 0
    output_tokens: int = 0
    thought_tokens: int = 0
    cached_tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0
    response: str = ""
    at: datetime = Field(index=True)


class CachedAnswer(SQLModel, table=True):
    """A cached answer about one item: the key covers content, prompt version, model and taxonomy."""

    __tablename__ = "cached_answer"
    key: str = Field(primary_key=True)
    stage: str
    item_id: int | None = Field(default=None, foreign_key="item.id", index=True)
    call_id: int | None = Field(default=None, foreign_key="llm_call.id")
    value: dict[str, Any] = json_column(dict)
    at: datetime


class Run(SQLModel, table=True):
    """An execution of a stage or of the whole pipeline."""

    id: int = Field(default=None, primary_key=True)
    stage: str = Field(index=True)
    period: str | None = None
    state: str = "running"  # running | done | partial | failed | refused | interrupted
    owner: str = ""  # the process: host/number-token
    reason: str = ""
    started: datetime = Field(index=True)
    finished: datetime | None = None
    report: dict[str, Any] = json_column(dict)


class SourceResult(SQLModel):
    """A run's result for a source: found = new + revised + unchanged + duplicate + rejected + failed."""

    run_id: int = Field(foreign_key="run.id", index=True)
    source_id: str = Field(index=True)
    state: str = "ok"  # ok | unmodified | partial | failed | skipped
    found: int = 0
    new: int = 0
    revised: int = 0
    unchanged: int = 0
    duplicate: int = 0
    rejected: int = 0
    failed: int = 0
    bytes: int = 0
    requests: int = 0
    seconds: float = 0.0
    error: str | None = None  # with state ok: what was tolerated, and why items were rejected
    hint: str | None = None
    next_check: datetime | None = None
    at: datetime


class SourceResultRow(SourceResult, table=True):
    """The stored result of a source."""

    __tablename__ = "source_result"
    __table_args__ = (UniqueConstraint("run_id", "source_id"),)
    id: int = Field(default=None, primary_key=True)


class Checkpoint(SQLModel, table=True):
    """How far a long piece of work has come, written with each committed page."""

    name: str = Field(primary_key=True)
    value: dict[str, Any] = json_column(dict)
    at: datetime


class Lock(SQLModel, table=True):
    """A lock on a site, shared between processes; it ends at `expires` unless renewed."""

    name: str = Field(primary_key=True)
    holder: str
    expires: datetime
    not_before: datetime | None = None  # the earliest next request to the site


class KeyValue(SQLModel, table=True):
    """A small value that the program created or the editor gave once (tag: ids, heading maps, ranker state)."""

    __tablename__ = "key_value"

    name: str = Field(primary_key=True)
    value: dict[str, Any] = json_column(dict)
    at: datetime
