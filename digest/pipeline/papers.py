"""Labelled papers sorted by a language model, as `judge` sorts items, for `eval tagging --engine`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digest import tagging
from digest.errors import ModelOutput
from digest.judging import Candidate, Judgement
from digest.pipeline.asking import Asker
from digest.pipeline.batching import Jobs
from digest.pipeline.context import Context
from digest.pipeline.hearing import Hearing, docket_of
from digest.pipeline.waiting import wait_for
from digest.ports import Model, Verdict
from digest.tagging import Labelled


def model_numbers(
    context: Context, model: Model, papers: Sequence[Labelled], max_usd: float | None = None
) -> dict[str, Any]:
    """The model's figures on the papers it gave a verdict on, how many those are, and what it cost.

    Answers are kept, so that a second measurement asks for nothing. A model is not asked how sure it is, so nothing is
    said of its calibration. Raises ModelError when it gave no verdict at all.
    """
    asker = Asker(context, model, None, max_usd)
    candidates = {str(place): _candidate(place, paper) for place, paper in enumerate(papers)}
    docket = docket_of(context, candidates, model.name, {})
    wait_for(Hearing(context, docket, asker, Jobs(context, model.name, "eval"), lambda found: None).all())
    known = docket.known(context, candidates)
    judged = [(paper, known[str(place)]) for place, paper in enumerate(papers) if str(place) in known]
    if not judged:
        raise asker.stopped or ModelOutput(f"{model.name} gave no verdict that can be used")
    figures = tagging.score([paper for paper, _ in judged], [_verdict(said) for _, said in judged]).numbers()
    unsure = ("sure", "sure_right", "bins")
    return {
        **{name: value for name, value in figures.items() if name not in unsure},
        "engine": model.name,
        "unanswered": len(papers) - len(judged),
        "why_unanswered": asker.trouble,
        "calls": asker.calls,
        "usd": round(asker.budget.spent, 6),
    }


def _candidate(place: int, paper: Labelled) -> Candidate:
    return Candidate.of(str(place), paper.item.title, paper.item.abstract)


def _verdict(said: Judgement) -> Verdict:
    return Verdict(said.category, said.secondary, 0.0)
