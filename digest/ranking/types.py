"""Types of the ranking: a candidate, a reason, and a candidate with its rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Candidate:
    """One item that may be picked, with all the ranking may know of it. `categories` are the source's own."""

    key: str
    title: str
    abstract: str = ""
    authors: Sequence[str] = ()
    categories: Sequence[str] = ()
    comment: str = ""
    published: datetime | None = None
    source_id: str = ""
    source_weight: float = 1.0  # as in sources.yaml, 0..5
    mentions: int = 1  # distinct sources
    relevance: int | None = None  # 1..5, a model's verdict
    covered_in: str | None = None  # period of the issue that held it
    category: str = "other"  # the tagger's
    confidence: float = 0.0

    @property
    def text(self) -> str:
        """What is embedded."""
        return f"{self.title}. {self.abstract}"


@dataclass(frozen=True, slots=True)
class Reason:
    """What one feature added to the score, in words a reader understands. The parts add up to the score."""

    feature: str
    value: float
    part: float
    words: str

    def as_dict(self) -> dict[str, Any]:
        """As it is stored and printed."""
        return asdict(self) | {"value": round(self.value, 4)}


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """A candidate's place, 1 being the best; `reasons` come strongest first."""

    position: int
    candidate: Candidate
    score: float
    reasons: tuple[Reason, ...]
