"""Tagger metrics; LLM on labelled papers.

How good a tagger is on papers that people sorted: accuracy, macro-F1, confusion, calibration. Plain numbers only.

Labelled papers sorted by a language model, as `judge` sorts items, for `eval tagging --engine`.
"""

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
from digest.tagging.llm import Grade, PromptItem

CONFIDENCE_EDGES = (0.0, 0.35, 0.5, 0.7, 0.8, 0.9, 1.0)
SURE_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Verdicts whose confidence lies from `low` up to `high`: how many, their mean confidence, and the share right."""

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class TaggingScores:
    """A tagger's figures; accuracy and macro-F1 are of papers with one label, `acceptable` of all; None of none."""

    papers: int
    single: int
    accuracy: float | None
    macro_f1: float | None
    acceptable: float | None
    abstained: int
    sure: int  # verdicts with a confidence of 0.9 or more
    sure_right: float | None
    f1: Mapping[str, float]
    confusion: Mapping[str, Mapping[str, int]]  # label -> verdict -> count, of papers with one label
    bins: tuple[CalibrationBin, ...]

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON has them."""
        return asdict(self)


def score_tagging(papers: Sequence[LabelledPaper], verdicts: Sequence[Classification]) -> TaggingScores:
    """Judge verdicts on the same papers, in the same order; abstaining counts as wrong."""
    hits = [verdict.category in paper.acceptable for paper, verdict in zip(papers, verdicts, strict=True)]
    one = [(p.acceptable[0], v.category) for p, v in zip(papers, verdicts, strict=True) if len(p.acceptable) == 1]
    sure = [hit for hit, verdict in zip(hits, verdicts, strict=True) if verdict.confidence >= SURE_CONFIDENCE]
    f1 = _f1_by_label(one)
    return TaggingScores(
        papers=len(papers),
        single=len(one),
        accuracy=_mean([label == said for label, said in one]),
        macro_f1=_mean(list(f1.values())),
        acceptable=_mean(hits),
        abstained=sum(verdict.category == "other" for verdict in verdicts),
        sure=len(sure),
        sure_right=_mean(sure),
        f1=f1,
        confusion=_confusion_table(one),
        bins=_calibration_bins(hits, [verdict.confidence for verdict in verdicts]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _f1_by_label(pairs: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Of each label that occurs: 2 x right / (labelled + said)."""
    labelled, said = Counter(label for label, _ in pairs), Counter(verdict for _, verdict in pairs)
    right = Counter(label for label, verdict in pairs if label == verdict)
    return {slug: round(2 * right[slug] / (labelled[slug] + said[slug]), 4) for slug in sorted(labelled)}


def _confusion_table(pairs: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (label, said), count in sorted(Counter(pairs).items()):
        table.setdefault(label, {})[said] = count
    return table


def _calibration_bins(hits: Sequence[bool], confidences: Sequence[float]) -> tuple[CalibrationBin, ...]:
    bins = []
    for low, high in pairwise(CONFIDENCE_EDGES):
        inside = [i for i, c in enumerate(confidences) if low <= c < high or c == high == CONFIDENCE_EDGES[-1]]
        if inside:
            mean = sum(confidences[i] for i in inside) / len(inside)
            bins.append(
                CalibrationBin(
                    low, high, len(inside), round(mean, 4), round(sum(hits[i] for i in inside) / len(inside), 4)
                )
            )
    return tuple(bins)


def evaluate_model_tagging(
    context: Context, model: Model, papers: Sequence[LabelledPaper], max_usd: float | None = None
) -> dict[str, Any]:
    """The model's figures on the papers it gave a verdict on, how many those are, and what it cost.

    Answers are kept, so that a second measurement asks for nothing. A model is not asked how sure it is, so nothing is
    said of its calibration. Raises ModelError when it gave no verdict at all.
    """
    asker = MeteredClient(context, model, None, max_usd)
    candidates = {str(place): _build_prompt_item(place, paper) for place, paper in enumerate(papers)}
    docket = build_grading_batch(context, candidates, model.name, {})
    run_sync(GradingRun(context, docket, asker, BatchJobStore(context, model.name, "eval"), lambda found: None).run())
    known = docket.load_grades(context, candidates)
    judged = [(paper, known[str(place)]) for place, paper in enumerate(papers) if str(place) in known]
    if not judged:
        raise asker.stop_error or ModelOutputError(f"{model.name} gave no verdict that can be used")
    figures = score_tagging([paper for paper, _ in judged], [_to_classification(said) for _, said in judged]).as_dict()
    unsure = ("sure", "sure_right", "bins")
    return {
        **{name: value for name, value in figures.items() if name not in unsure},
        "engine": model.name,
        "unanswered": len(papers) - len(judged),
        "why_unanswered": asker.failure_reason,
        "calls": asker.call_count,
        "usd": round(asker.budget.spent, 6),
    }


def _build_prompt_item(index: int, paper: LabelledPaper) -> PromptItem:
    return PromptItem.from_text(str(index), paper.item.title, paper.item.abstract)


def _to_classification(grade: Grade) -> Classification:
    return Classification(grade.category, grade.secondary, 0.0)
