"""Measure a tagger on labelled papers: accuracy, macro-F1, confusion and calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from digest.aio import run_sync
from digest.context import Context
from digest.errors import ModelOutputError
from digest.evaluation.labels import LabelledPaper
from digest.llm.client import MeteredClient
from digest.protocols import Classification, Model
from digest.tagging.grade import BatchJobStore, GradingRun, build_grading_batch
from digest.tagging.llm import PromptItem
from digest.tagging.taxonomy import OTHER_CATEGORY

CONFIDENCE_EDGES = (0.0, 0.35, 0.5, 0.7, 0.8, 0.9, 1.0)
SURE_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Classifications with a confidence from `low` up to `high`: count, mean confidence, and share right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class TaggingScores:
    """A tagger's metrics: accuracy and macro-F1 on papers with one label, `acceptable` on all; None without papers."""

    papers: int
    single: int
    accuracy: float | None
    macro_f1: float | None
    acceptable: float | None
    abstained: int
    sure: int  # with a confidence of 0.9 or more
    sure_right: float | None
    f1: Mapping[str, float]
    confusion: Mapping[str, Mapping[str, int]]  # label -> prediction -> count
    bins: tuple[CalibrationBin, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def score_tagging(papers: Sequence[LabelledPaper], verdicts: Sequence[Classification]) -> TaggingScores:
    """Score classifications of the same papers, in the same order; abstaining counts as wrong."""
    pairs = list(zip(papers, verdicts, strict=True))
    hits = [verdict.category in paper.acceptable for paper, verdict in pairs]
    single = [(paper.acceptable[0], verdict.category) for paper, verdict in pairs if len(paper.acceptable) == 1]
    sure = [hit for hit, verdict in zip(hits, verdicts, strict=True) if verdict.confidence >= SURE_CONFIDENCE]
    labels, predictions = Counter(label for label, _ in single), Counter(prediction for _, prediction in single)
    counts = Counter(single)
    f1 = {s: round(2 * counts[s, s] / (labels[s] + predictions[s]), 4) for s in sorted(labels)}
    confusion: dict[str, dict[str, int]] = {}
    for (label, prediction), count in sorted(counts.items()):
        confusion.setdefault(label, {})[prediction] = count
    return TaggingScores(
        papers=len(papers),
        single=len(single),
        accuracy=_mean([label == prediction for label, prediction in single]),
        macro_f1=_mean(list(f1.values())),
        acceptable=_mean(hits),
        abstained=sum(verdict.category == OTHER_CATEGORY for verdict in verdicts),
        sure=len(sure),
        sure_right=_mean(sure),
        f1=f1,
        confusion=confusion,
        bins=_calibration_bins(hits, [verdict.confidence for verdict in verdicts]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _calibration_bins(hits: Sequence[bool], confidences: Sequence[float]) -> tuple[CalibrationBin, ...]:
    bins = []
    for low, high in pairwise(CONFIDENCE_EDGES):
        rows = [i for i, c in enumerate(confidences) if low <= c < high or c == high == CONFIDENCE_EDGES[-1]]
        if rows:
            confidence, right = (round(sum(values[i] for i in rows) / len(rows), 4) for values in (confidences, hits))
            bins.append(CalibrationBin(low, high, len(rows), confidence, right))
    return tuple(bins)


def evaluate_model_tagging(
    context: Context, model: Model, papers: Sequence[LabelledPaper], max_usd: float | None = None
) -> dict[str, Any]:
    """Measure a language model on papers, as `judge` grades items; returns its scores, coverage and cost.

    Answers are cached, so that a second measurement asks for nothing. A model gives no confidence, so its calibration
    is left out. Raises ModelError when it gave no usable answer at all.
    """
    client = MeteredClient(context, model, None, max_usd)
    items = {str(n): PromptItem.from_text(str(n), p.item.title, p.item.abstract) for n, p in enumerate(papers)}
    batch = build_grading_batch(context, items, model.name, {})
    run = GradingRun(context, batch, client, BatchJobStore(context, model.name, "eval"), lambda grades: None)
    run_sync(run.run())
    grades = batch.load_grades(context, items)
    if not grades:
        raise client.stop_error or ModelOutputError(f"{model.name} gave no grade that can be used")
    graded = [paper for number, paper in enumerate(papers) if str(number) in grades]
    scores = score_tagging(graded, [Classification(g.category, g.secondary, 0.0) for g in grades.values()]).as_dict()
    return {
        **{name: value for name, value in scores.items() if name not in ("sure", "sure_right", "bins")},
        "engine": model.name,
        "unanswered": len(papers) - len(graded),
        "why_unanswered": client.failure_reason,
        "calls": client.call_count,
        "usd": round(client.budget.spent, 6),
    }
