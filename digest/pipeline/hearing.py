"""The asking behind `judge`: calls in which items of our own lie too; answers kept, and what was swayed asked anew."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial

from digest import judging
from digest.errors import BudgetExceeded, ModelOutput, ModelUnavailable
from digest.judging import Batch, Candidate, Judgement, Wording
from digest.pipeline.asking import Asker
from digest.pipeline.batching import Jobs
from digest.pipeline.context import Context
from digest.ports import Completion
from digest.store import answers

Found = Callable[[Mapping[str, Judgement]], None]


@dataclass(frozen=True)
class Docket:
    """What a model is to judge: words and answer keys of every candidate and of our own items; what is known so far."""

    candidates: Mapping[str, Candidate]
    controls: Mapping[str, Candidate]
    keys: Mapping[str, str]
    ids: Mapping[str, int]
    wording: Wording
    together: int

    def known(self, context: Context, keys: Collection[str]) -> dict[str, Judgement]:
        """What is answered of `keys`."""
        with context.db.read() as session:
            kept = answers.answers(session, [self.keys[key] for key in keys])
        return {key: Judgement.model_validate(kept[self.keys[key]]) for key in keys if self.keys[key] in kept}

    def batches(self, candidates: Sequence[Candidate], controls: Sequence[Candidate], *, alone: bool) -> list[Batch]:
        """Calls for candidates; each `alone` in its own, or as many together as may be."""
        at_once = 1 if alone else self.together
        return list(judging.batches(candidates, self.wording, secrets.token_hex(8), controls, at_once))

    def waiting(self, context: Context) -> list[Candidate]:
        """What has no answer yet."""
        known = self.known(context, self.candidates)
        return [candidate for key, candidate in self.candidates.items() if key not in known]


def docket_of(context: Context, candidates: Mapping[str, Candidate], model: str, ids: Mapping[str, int]) -> Docket:
    """The docket of candidates for a model; `ids` are those of stored items."""
    wording = judging.wording(context.config, context.templates)
    controls = {one.key: one for one in judging.controls(context.config.taxonomy)}
    version, thinking = judging.prompt_version(wording), context.config.model.thinking
    keys = {
        key: judging.answer_key(model, judging.JUDGE, version, one, thinking=thinking)
        for key, one in {**candidates, **controls}.items()
    }
    return Docket(candidates, controls, keys, ids, wording, context.config.model.together)


class Hearing:
    """One model asked about one docket. `swayed` counts calls whose answers were thrown away for what they did to ours.

    `found` is told of each judgement as it is kept.
    """

    def __init__(self, context: Context, docket: Docket, asker: Asker, jobs: Jobs, found: Found) -> None:
        self.swayed = 0
        self._context = context
        self._docket = docket
        self.asker = asker
        self._jobs = jobs
        self._found = found
        self._expected: dict[str, Judgement] = {}

    async def all(self) -> None:
        """What a job that was broken off still holds; every call once; then what is still unjudged, alone."""
        try:
            self._expected = self._docket.known(self._context, self._docket.controls)
            await self._resumed()
            for alone in (False, True):
                if self.asker.stopped or not await self._round(alone=alone):
                    return
        finally:
            await self.asker.model.close()

    async def _round(self, *, alone: bool) -> bool:
        """Ask about all that waits; False when nothing does, or it cannot be."""
        waiting = self._docket.waiting(self._context)
        controls: list[Candidate] = []
        if not alone and self._docket.together > 1 and sum(not one.alone for one in waiting) > 1:
            controls = await self._controls()
        batches = self._docket.batches(waiting, controls, alone=alone or not controls)
        if self.asker.stopped or not batches:
            return False
        try:
            done = await self.asker.ask_batch(
                [batch.prompt for batch in batches], partial(self._jobs.keep, batches, self._docket.keys)
            )
        except (BudgetExceeded, ModelUnavailable) as error:
            self.asker.stopped = error
            return False
        await self.asker.each(list(zip(batches, done, strict=True)), lambda pair: self._one(*pair), "judging")
        self._jobs.forget()
        return True

    async def _controls(self) -> list[Candidate]:
        """Two items of ours whose verdicts are known, asked for among themselves the first time; none if not had."""
        for alone in (False, True):
            missing = [one for key, one in self._docket.controls.items() if key not in self._expected]
            await self.asker.each(self._docket.batches(missing, (), alone=alone), self._met, "judging")
        return [self._docket.controls[key] for key in judging.pair(self._expected)]

    async def _met(self, batch: Batch) -> None:
        completion, call_id = await self.asker.ask(batch.prompt)
        found = judging.read_judgements(completion, batch, self._docket.wording)
        self._store(found, call_id)
        self._expected |= found

    async def _resumed(self) -> None:
        """Collect the job of a run that was broken off; what it does not answer is asked anew."""
        job = self._jobs.left()
        if job is None:
            return
        try:
            sent = await self.asker.found(job.sent)
            names = job.names
            done = await self.asker.collect(sent, judging.JUDGE, len(names)) if sent else [None] * len(names)
        except ModelUnavailable as error:
            if error.final:
                self._jobs.forget()  # it is gone, and its answers with it
            else:
                self.asker.stopped = error
            return
        everyone = {**self._docket.candidates, **self._docket.controls}
        for batch, answer in zip(job.batches(everyone, self._docket.keys), done, strict=True):
            if answer is not None and batch.names:
                with suppress(ModelOutput):
                    self._keep(batch, *answer)
        self._jobs.forget()

    async def _one(self, batch: Batch, done: tuple[Completion, int] | None) -> None:
        """One call; its judgements are committed as they arrive."""
        if done is not None:
            try:
                return self._keep(batch, *done)
            except ModelOutput:
                pass  # a batch job's answer that is no good is asked for again at once
        answer = await self.asker.ask(batch.prompt)
        with suppress(ModelOutput) if _of_an_order(batch) else nullcontext():
            self._keep(batch, *answer)

    def _keep(self, batch: Batch, completion: Completion, call_id: int) -> None:
        """Keep what a call says, unless something in it has moved our own items in it."""
        found = judging.read_judgements(completion, batch, self._docket.wording)
        theirs = {key: judgement for key, judgement in found.items() if not judging.is_control(key)}
        if len(batch.names) > 1 and judging.swayed(self._expected, found):
            self.swayed += 1
        else:
            self._store(theirs, call_id)
            self._found(theirs)

    def _store(self, found: Mapping[str, Judgement], call_id: int) -> None:
        rows = [
            {
                "key": self._docket.keys[key],
                "stage": judging.JUDGE,
                "item_id": self._docket.ids.get(key),
                "call_id": call_id,
                "value": judgement.model_dump(),
                "at": self._context.now,
            }
            for key, judgement in found.items()
        ]
        with self._context.db.write() as session:
            answers.keep_answers(session, rows)


def _of_an_order(batch: Batch) -> bool:
    """Whether a call holds what may be an order alone: an answer to it that is no good says nothing of the model."""
    return all(candidate.alone for candidate in batch.names.values())
