"""Measure a ranking against experts' picks: AUC, and recall of the first 100 and 200."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from digest.errors import ParseError
from digest.ranking.types import RankerInput


@dataclass(frozen=True, slots=True)
class PublicPick:
    """A work that a curator picked in a month (`2025-08`)."""

    month: str
    curator: str
    arxiv_id: str


@dataclass(frozen=True, slots=True)
class MonthScore:
    """One month's measures."""

    month: str
    candidates: int
    picks: int
    auc: float
    recall_100: float
    recall_200: float


@dataclass(frozen=True, slots=True)
class RankingMetrics:
    """The months and their means."""

    months: tuple[MonthScore, ...]
    auc: float
    recall_100: float
    recall_200: float

    def as_dict(self) -> dict[str, Any]:
        """For `--json` and the history."""
        return asdict(self)


def parse_pool(lines: Iterable[str]) -> list[RankerInput]:
    """Parse a pool, JSON lines of {arxiv_id, title, abstract, authors, categories, published, comment}.

    A line may have `named_by`, a list of the sources that name the paper, and `votes`, a number. The key is the bare
    arXiv id. Raises ParseError naming the line.
    """
    return [_parse_candidate(row) for row in _parse_rows(lines, ("arxiv_id", "title"))]


def parse_picks(lines: Iterable[str]) -> list[PublicPick]:
    """Parse picks, JSON lines of {month, curator, arxiv_id}; those without an arXiv id are left out. Raises ParseError."""
    return [
        PublicPick(str(row.get("month") or ""), str(row.get("curator") or ""), str(row["arxiv_id"]))
        for row in _parse_rows(lines, ())
        if row.get("arxiv_id")
    ]


def measure_ranking(scores_by_month: Iterable[tuple[str, Sequence[float], Sequence[bool]]]) -> RankingMetrics:
    """Measure months of (name, scores, picked?), row by row; one without a pick is left out. Means are unweighted."""
    months = tuple(_measure_month(*month) for month in scores_by_month if any(month[2]))
    names = ("auc", "recall_100", "recall_200")
    means = [sum(getattr(month, name) for month in months) / max(len(months), 1) for name in names]
    return RankingMetrics(months, *means)


def compute_auc(scores: Sequence[float], picked: Sequence[bool]) -> float:
    """Return how likely a pick ranks above another candidate; ties count half. NaN unless there are both."""
    import numpy as np

    values, chosen = np.asarray(scores, dtype=np.float64), np.asarray(picked, dtype=bool)
    picks, others = values[chosen], np.sort(values[~chosen])
    below, upto = np.searchsorted(others, picks, "left"), np.searchsorted(others, picks, "right")
    pairs = len(picks) * len(others)
    return float((below + upto).sum() / 2 / pairs) if pairs else float("nan")


def compute_recall(scores: Sequence[float], picked: Sequence[bool], first: int) -> float:
    """Return the share of the picks among the `first` best."""
    import numpy as np

    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")[:first]
    chosen = np.asarray(picked, dtype=bool)
    return float(chosen[order].sum() / max(int(chosen.sum()), 1))


def _measure_month(name: str, scores: Sequence[float], picked: Sequence[bool]) -> MonthScore:
    return MonthScore(
        name,
        len(scores),
        sum(picked),
        compute_auc(scores, picked),
        compute_recall(scores, picked, 100),
        compute_recall(scores, picked, 200),
    )


def _parse_rows(lines: Iterable[str], required: Sequence[str]) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ParseError(f"line {number} is not JSON: {error}", "each line must be one JSON object") from error
        if not isinstance(row, dict):
            raise ParseError(f"line {number} is not a JSON object", 'write {"arxiv_id": "2501.01234", "title": "..."}')
        missing = [name for name in required if not isinstance(row.get(name), str)]
        if missing:
            raise ParseError(f"line {number} lacks {' and '.join(missing)}", "see the formats in the README")
        yield row


def _parse_candidate(row: dict[str, Any]) -> RankerInput:
    return RankerInput(
        key=row["arxiv_id"],
        title=row["title"],
        abstract=str(row.get("abstract") or ""),
        authors=tuple(str(a) for a in row.get("authors") or ()),
        categories=tuple(str(c) for c in row.get("categories") or ()),
        comment=str(row.get("comment") or ""),
        published=_parse_day(row.get("published")),
        named_by=_parse_namers(row.get("named_by")),
        votes=int(votes) if isinstance(votes := row.get("votes"), int | float) and 0 <= votes < 1e9 else None,
    )


def _parse_namers(value: object) -> tuple[str, ...]:
    """Return the sources of a list, each once; one name alone is a list of one."""
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(dict.fromkeys(name.strip() for name in names if isinstance(name, str) and name.strip()))


def _parse_day(text: object) -> datetime | None:
    """Return the day as midnight UTC; None when it is not an ISO date."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
