"""`judge`: a language model reads the best-ranked candidates of a period; what it answered once is not asked again."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from digest import judging, tagging
from digest.errors import BudgetExceeded, ModelOutput, ModelUnavailable
from digest.judging import Batch, Candidate, Judgement, Wording
from digest.models import Item, Tagging
from digest.periods import Period
from digest.pipeline.asking import Asker
from digest.pipeline.batching import Jobs
from digest.pipeline.context import Context, recorded
from digest.pipeline.tag import ENGINE
from digest.pipeline.texts import abstract
from digest.pipeline.waiting import wait_for
from digest.ports import Completion, Report
from digest.store import answers, judgements

AGREED, NEAR, APART = 0.85, 0.7, 0.5  # how sure a category is when the embedded tagger says so too, nearly, or not


@dataclass(frozen=True)
class Docket:
    """What there is to judge: every candidate's item, answer key and cleaned words; what is known; what is not."""

    items: Mapping[str, Item]
    candidates: Mapping[str, Candidate]
    keys: Mapping[str, str]
    known: Mapping[str, Judgement]
    wording: Wording

    @property
    def waiting(self) -> list[Candidate]:
        return [candidate for key, candidate in self.candidates.items() if key not in self.known]

    def batches(self, but: Collection[str] = (), *, alone: bool = False) -> list[Batch]:
        """Calls for what is not known, leaving out the keys `but`; each item `alone` in its own if so asked."""
        missing = [candidate for candidate in self.waiting if candidate.key not in but]
        groups = [[one] for one in missing] if alone else [missing]
        return [batch for group in groups for batch in judging.batches(group, self.wording, secrets.token_hex(8))]


def judge(context: Context, period: Period, *, limit: int | None = None, max_usd: float | None = None) -> Report:
    """Have the model sort and grade the best `limit` candidates; rank again afterwards, and its grades count.

    Without a model it says so and does nothing. What the model cannot or may not answer keeps the machine's verdict,
    and the report says how many and why.
    """
    with recorded(context, "judge", period.name) as report:
        model = context.make_model()
        if model is None:
            report.line = f"{period}: judged by no language model. {context.model_line}".strip()
            return report
        most = context.config.model.judged if limit is None else limit
        with context.db.read() as session:
            best = [item for _, item in judgements.ranking(session, period.name, most)]
        docket = docket_of(context, best, model.name)
        _save(context, docket, model.name, docket.known)
        asker = Asker(context, model, report.run_id, max_usd)
        wait_for(_ask_all(context, docket, asker, Jobs(context, model.name, period)))
        _tell(context, period, docket, asker, report)
    return report


def docket_of(context: Context, items: Sequence[Item], model: str) -> Docket:
    """What there is to judge of these items, and what the model said of them before."""
    wording = judging.wording(context.config, context.templates)
    by_key = {item.key: item for item in items}
    candidates = {key: Candidate.of(key, item.title, abstract(item)) for key, item in by_key.items()}
    version, thinking = judging.prompt_version(wording), context.config.model.thinking
    keys = {
        key: judging.answer_key(model, judging.JUDGE, version, candidate, thinking=thinking)
        for key, candidate in candidates.items()
    }
    with context.db.read() as session:
        kept = answers.answers(session, list(keys.values()))
    known = {key: Judgement.model_validate(kept[answer]) for key, answer in keys.items() if answer in kept}
    return Docket(by_key, candidates, keys, known, wording)


async def _ask_all(context: Context, docket: Docket, asker: Asker, jobs: Jobs) -> None:
    """What a job that was broken off still holds; every batch once; then each item still unjudged once more, alone."""
    try:
        await _resumed(context, docket, asker, jobs)
        for alone in (False, True):
            batches = _pending(context, docket, alone=alone)
            if asker.stopped or not batches:
                return
            try:
                done = await asker.ask_batch(
                    [batch.prompt for batch in batches], partial(jobs.keep, batches, docket.keys)
                )
            except (BudgetExceeded, ModelUnavailable) as error:
                asker.stopped = error
                return
            pairs = list(zip(batches, done, strict=True))
            await asker.each(pairs, lambda pair: _one(context, docket, asker, *pair), "judging")
            jobs.forget()
    finally:
        await asker.model.close()


async def _resumed(context: Context, docket: Docket, asker: Asker, jobs: Jobs) -> None:
    """Collect the job of a run that was broken off; what it does not answer is asked anew."""
    job = jobs.left()
    if job is None:
        return
    try:
        sent = await asker.found(job.sent)
        done = await asker.collect(sent, judging.JUDGE, len(job.names)) if sent else [None] * len(job.names)
    except ModelUnavailable as error:
        if error.final:
            jobs.forget()  # it is gone, and its answers with it
        else:
            asker.stopped = error
        return
    for batch, answer in zip(job.batches(docket.candidates, docket.keys), done, strict=True):
        if answer is not None and batch.names:
            with suppress(ModelOutput):
                _keep(context, docket, asker, batch, *answer)
    jobs.forget()


def _pending(context: Context, docket: Docket, *, alone: bool) -> list[Batch]:
    """Calls for what has no stored answer yet."""
    with context.db.read() as session:
        answered = answers.answers(session, list(docket.keys.values()))
    return docket.batches([key for key, answer in docket.keys.items() if answer in answered], alone=alone)


async def _one(
    context: Context, docket: Docket, asker: Asker, batch: Batch, done: tuple[Completion, int] | None
) -> None:
    """One call; its judgements are committed as they arrive."""
    if done is not None:
        try:
            return _keep(context, docket, asker, batch, *done)
        except ModelOutput:
            pass  # a batch job's answer that is no good is asked for again at once
    _keep(context, docket, asker, batch, *await asker.ask(batch.prompt))


def _keep(context: Context, docket: Docket, asker: Asker, batch: Batch, completion: Completion, call_id: int) -> None:
    found = judging.read_judgements(completion, batch, docket.wording)
    rows = [
        {
            "key": docket.keys[key],
            "stage": judging.JUDGE,
            "item_id": docket.items[key].id,
            "call_id": call_id,
            "value": judgement.model_dump(),
            "at": context.now,
        }
        for key, judgement in found.items()
    ]
    with context.db.write() as session:
        answers.keep_answers(session, rows)
    _save(context, docket, asker.model.name, found)


def _save(context: Context, docket: Docket, engine: str, found: Mapping[str, Judgement]) -> None:
    """Store judgements as taggings by this engine."""
    mark = tagging.fingerprint(context.config.taxonomy)
    ids = [docket.items[key].id or 0 for key in found]
    with context.db.write() as session:
        ours = judgements.taggings(session, ids)
        rows: Sequence[dict[str, Any]] = [
            {
                "item_id": docket.items[key].id,
                "engine": engine,
                **judgement.model_dump(),
                "confidence": _confidence(judgement, ours.get(docket.items[key].id or 0, {}).get(ENGINE)),
                "taxonomy": mark,
                "item_digest": docket.items[key].digest,
                "at": context.now,
            }
            for key, judgement in found.items()
        ]
        judgements.save_taggings(session, rows)


def _confidence(judgement: Judgement, ours: Tagging | None) -> float:
    """Two taggers that agree are surer than one that says how sure it is."""
    if ours is None:
        return NEAR
    if ours.category == judgement.category:
        return max(AGREED, ours.confidence)
    return NEAR if judgement.category == ours.secondary else APART


def _tell(context: Context, period: Period, docket: Docket, asker: Asker, report: Report) -> None:
    with context.db.read() as session:
        kept = answers.answers(session, list(docket.keys.values()))
    suspects = [key for key, candidate in docket.candidates.items() if candidate.suspect]
    left = len(docket.items) - len(kept)
    report.numbers = {
        "judged": len(kept),
        "asked_before": len(docket.known),
        "calls": asker.calls,
        "left": left,
        "usd": round(asker.budget.spent, 6),
        "suspects": suspects,
    }
    who = context.model_line.rstrip(".") or asker.model.name
    version = f", which answered as {' and '.join(sorted(asker.versions))}" if asker.versions else ""
    report.line = (
        f"{period}: {len(kept)} of the {len(docket.items)} best judged by {who}{version}; "
        f"{len(docket.known)} of them known before, {asker.calls} calls, {asker.bill}"
    )
    if suspects:
        report.line += f"; {len(suspects)} look like instructions to a model and were judged alone"
    if left:
        report.state = "partial"
        report.problems = [f"{left} keep this machine's own verdict: {asker.trouble}"]
        report.line += f"; {report.problems[0]}"
