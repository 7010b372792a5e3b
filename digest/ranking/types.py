"""Types of the ranking: what it reads, what it returns, and the candidates that drafts choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from digest.models.items import Item, PossibleDuplicate
from digest.models.predictions import Ranking, Tagging


@dataclass(frozen=True, slots=True)
class RankerInput:
    """The values of an item that the ranker reads. `categories` are the source's own."""

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
    candidate: RankerInput
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that an issue may pick: its ranking, tagging, mentions, earlier coverage and possible duplicates."""

    item: Item
    ranking: Ranking | None = None
    tagging: Tagging | None = None
    mentions: int = 1  # distinct sources
    covered_in: str = ""  # the period of the issue that covered it
    possible_duplicates: Sequence[tuple[PossibleDuplicate, Item]] = ()

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def place(self) -> int | None:
        return self.ranking.place if self.ranking else None

    @property
    def category(self) -> str:
        return self.tagging.category if self.tagging else "other"

    @property
    def confidence(self) -> float | None:
        return self.tagging.confidence if self.tagging else None

    @property
    def score(self) -> float:
        return self.ranking.score if self.ranking else 0.0

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The stored reasons of the ranking, strongest first."""
        return self.ranking.reasons if self.ranking else []

    def as_dict(self) -> dict[str, Any]:
        """Return the values that `digest candidates --json` prints."""
        names = ("place", "score", "category", "key")
        return {name: getattr(self, name) for name in names} | {"title": self.item.title, "url": self.item.url}
