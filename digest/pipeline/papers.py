"""Labelled papers sorted by a language model, as `judge` sorts items, for `eval tagging --engine`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digest import tagging
from digest.errors import ModelOutputError
from digest.judging import Grade, PromptItem
from digest.pipeline.asking import MeteredClient
from digest.pipeline.batching import BatchJobStore
from digest.pipeline.context import Context
from digest.pipeline.hearing import GradingRun, build_grading_batch
from digest.pipeline.waiting import run_sync
from digest.ports import Classification, Model
from digest.tagging import LabelledPaper


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
    figures = tagging.score_tagging(
        [paper for paper, _ in judged], [_to_classification(said) for _, said in judged]
    ).as_dict()
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
