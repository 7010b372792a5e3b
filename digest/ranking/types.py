"""Types of the ranking: what it reads, what it returns, and the candidates that drafts choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from digest.models.items import Item, PossibleDuplicate
from digest.models.predictions import Ranking, Tagging
from digest.urls.kinds import classify_kind

# Features of the score that an editor understands, the most telling first.
_EDITOR_FEATURES = ("added", "covered", "follow", "named", "votes", "boost", "relevance", "taste-words", "taste-topic", "topic",
                    "promotion", "source", "recency")  # fmt: skip


def _is_telling(reason: Mapping[str, Any]) -> bool:
    """Return whether a reason speaks for an item, or says why it stands low."""
    return reason["part"] > 0 or reason["feature"] in ("covered", "promotion", "recency")


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
    named_by: Sequence[str] = ()  # names of the sources that name this work of others
    votes: int | None = None  # of a community
    relevance: int | None = None  # 1..5, a model's verdict
    covered_in: str | None = None  # period of the issue that held it
    category: str = "other"  # the tagger's
    confidence: float = 0.0
    kind: str = "paper"  # see ranking.kinds
    source_key: str = ""  # id of the source in sources.yaml; `source_id` is its name
    added_on: datetime | None = None  # when the editor added it
    added_note: str = ""

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
    named_by: Sequence[str] = ()  # names of the sources that name this work of others
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

    @property
    def top_reasons(self) -> list[str]:
        """The two reasons that an editor understands best; the others are shown by `rank --explain`."""
        by_feature = {str(reason["feature"]): str(reason["words"]) for reason in self.reasons if _is_telling(reason)}
        return [by_feature[name] for name in _EDITOR_FEATURES if name in by_feature][:2]

    @property
    def kind(self) -> str:
        return classify_kind(self.item.key, self.item.url, self.item.title)

    def as_dict(self) -> dict[str, Any]:
        """Return the values that `digest candidates --json` prints."""
        names = ("place", "score", "kind", "category", "key")
        return {name: getattr(self, name) for name in names} | {
            "title": self.item.title,
            "url": self.item.url,
            "named_by": list(self.named_by),
            "reasons": self.top_reasons,
        }
