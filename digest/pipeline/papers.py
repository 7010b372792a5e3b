"""Labelled papers sorted by a language model, as `judge` sorts items, for `eval tagging --engine`."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from digest import judging, tagging
from digest.errors import ModelOutput
from digest.judging import Batch, Candidate, Judgement
from digest.pipeline.asking import Asker
from digest.pipeline.context import Context
from digest.pipeline.waiting import wait_for
from digest.ports import Model, Verdict
from digest.store import answers
from digest.tagging import Labelled


def model_numbers(
    context: Context, model: Model, papers: Sequence[Labelled], max_usd: float | None = None
) -> dict[str, Any]:
    """The model's figures on the papers it gave a verdict on, how many those are, and what it cost.

    Answers are kept, so that a second measurement asks for nothing. A model is not asked how sure it is, so nothing is
    said of its calibration. Raises ModelError when it gave no verdict at all.
    """
    asker = Asker(context, model, None, max_usd)
    wording = judging.wording(context.config, context.templates)
    candidates = {str(place): _candidate(place, paper) for place, paper in enumerate(papers)}
    version, thinking = judging.prompt_version(wording), context.config.model.thinking
    keys = {
        name: judging.answer_key(model.name, judging.JUDGE, version, one, thinking=thinking)
        for name, one in candidates.items()
    }

    async def one(batch: Batch) -> None:
        completion, call_id = await asker.ask(batch.prompt)
        _keep(context, keys, judging.read_judgements(completion, batch, wording), call_id)

    async def every() -> None:
        try:
            for alone in (False, True):  # what a full call leaves open is asked once more by itself
                left = [one for name, one in candidates.items() if name not in _known(context, keys)]
                groups = [[one] for one in left] if alone else [left]
                batches = [b for group in groups for b in judging.batches(group, wording, secrets.token_hex(8))]
                await asker.each(batches, one, "judging")
        finally:
            await model.close()

    wait_for(every())
    known = _known(context, keys)
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


def _known(context: Context, keys: Mapping[str, str]) -> dict[str, Judgement]:
    with context.db.read() as session:
        kept = answers.answers(session, list(keys.values()))
    return {name: Judgement.model_validate(kept[key]) for name, key in keys.items() if key in kept}


def _keep(context: Context, keys: Mapping[str, str], found: Mapping[str, Judgement], call_id: int) -> None:
    rows = [
        {
            "key": keys[name],
            "stage": judging.JUDGE,
            "item_id": None,
            "call_id": call_id,
            "value": judgement.model_dump(),
            "at": context.now,
        }
        for name, judgement in found.items()
    ]
    with context.db.write() as session:
        answers.keep_answers(session, rows)
