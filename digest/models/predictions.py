"""Tables of what taggers, rankers and the editor decided about items."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, true
from sqlmodel import Field, SQLModel

from digest.models import json_column


class Tagging(SQLModel, table=True):
    """A tagger's classification of an item. Engines: embedded, editor, or provider:model."""

    __table_args__ = (UniqueConstraint("item_id", "engine"),)
    id: int = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="item.id", index=True)
    engine: str
    category: str = Field(index=True)  # a slug of the taxonomy, or "other"
    secondary: str | None = None
    confidence: float
    relevance: int | None = None  # 1..5, from a model only
    novelty: int | None = None
    reason: str = ""
    taxonomy: str  # version + hash of the taxonomy it was made with
    item_digest: str
    at: datetime


class Ranking(SQLModel, table=True):
    """The place of an item among a period's candidates."""

    __table_args__ = (UniqueConstraint("period", "item_id"), Index("ix_ranking_period_place", "period", "place"))
    id: int = Field(default=None, primary_key=True)
    period: str
    item_id: int = Field(foreign_key="item.id", index=True)
    place: int
    score: float
    reasons: list[dict[str, Any]] = json_column(list)  # [{"feature", "value", "part", "words"}]
    ranker: str
    at: datetime


class Decision(SQLModel, table=True):
    """A decision of the editor about an item: pick, reject, pass, move, rewrite, tag."""

    id: int = Field(default=None, primary_key=True)
    item_id: int = Field(foreign_key="item.id", index=True)
    period: str | None = Field(default=None, index=True)
    verdict: str = Field(index=True)
    category: str | None = None
    detail: dict[str, Any] = json_column(dict)
    origin: str = "draft"  # draft | desk | cli | import
    at: datetime


class ItemVector(SQLModel, table=True):
    """An item's vector, stored for the next ranking; `item_digest` identifies the text it represents.

    `is_compared` says whether the item was compared with others, for possible duplicates, since it was tagged.
    """

    __tablename__ = "item_vector"
    __table_args__ = (Index("ix_item_vector_is_compared", "is_compared"),)
    item_id: int = Field(primary_key=True, foreign_key="item.id")
    item_digest: str
    vector: bytes
    is_compared: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
