"""The asking behind `judge`: calls in which items of our own lie too; answers kept, and what was swayed asked anew."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial

from digest import judging
from digest.errors import BudgetExceededError, ModelOutputError, ModelUnavailableError
from digest.judging import Grade, GradingCall, PromptItem, PromptTemplates
from digest.pipeline.asking import MeteredClient
from digest.pipeline.batching import BatchJobStore
from digest.pipeline.context import Context
from digest.ports import Completion
from digest.store import answers

GradesCallback = Callable[[Mapping[str, Grade]], None]


@dataclass(frozen=True)
class GradingBatch:
    """What a model is to judge: words and answer keys of every candidate and of our own items; what is known so far."""

    items: Mapping[str, PromptItem]
    canaries: Mapping[str, PromptItem]
    cache_keys: Mapping[str, str]
    item_ids: Mapping[str, int]
    templates: PromptTemplates
    items_per_call: int

    def load_grades(self, context: Context, keys: Collection[str]) -> dict[str, Grade]:
        """What is answered of `keys`."""
        with context.db.read() as session:
            kept = answers.load_cached_answers(session, [self.cache_keys[key] for key in keys])
        return {key: Grade.model_validate(kept[self.cache_keys[key]]) for key in keys if self.cache_keys[key] in kept}

    def build_calls(
        self, items: Sequence[PromptItem], canaries: Sequence[PromptItem], *, one_per_call: bool
    ) -> list[GradingCall]:
        """Calls for candidates; each `alone` in its own, or as many together as may be."""
        at_once = 1 if one_per_call else self.items_per_call
        return list(judging.build_grading_calls(items, self.templates, secrets.token_hex(8), canaries, at_once))

    def load_ungraded(self, context: Context) -> list[PromptItem]:
        """What has no answer yet."""
        known = self.load_grades(context, self.items)
        return [candidate for key, candidate in self.items.items() if key not in known]


def build_grading_batch(
    context: Context, items: Mapping[str, PromptItem], model: str, item_ids: Mapping[str, int]
) -> GradingBatch:
    """The docket of candidates for a model; `ids` are those of stored items."""
    wording = judging.load_prompt_templates(context.config, context.template_folder)
    controls = {one.key: one for one in judging.build_canaries(context.config.taxonomy)}
    version, thinking = judging.hash_grading_prompt(wording), context.config.model.thinking
    keys = {
        key: judging.build_cache_key(model, judging.JUDGE, version, one, thinking=thinking)
        for key, one in {**items, **controls}.items()
    }
    return GradingBatch(items, controls, keys, item_ids, wording, context.config.model.together)


class GradingRun:
    """One model asked about one docket. `swayed` counts calls whose answers were thrown away for what they did to ours.

    `found` is told of each judgement as it is kept.
    """

    def __init__(
        self,
        context: Context,
        batch: GradingBatch,
        client: MeteredClient,
        jobs: BatchJobStore,
        on_grades: GradesCallback,
    ) -> None:
        self.tampered_calls = 0
        self._context = context
        self._batch = batch
        self.client = client
        self._jobs = jobs
        self._on_grades = on_grades
        self._canary_grades: dict[str, Grade] = {}

    async def run(self) -> None:
        """What a job that was broken off still holds; every call once; then what is still unjudged, alone."""
        try:
            self._canary_grades = self._batch.load_grades(self._context, self._batch.canaries)
            await self._resume_job()
            for alone in (False, True):
                if self.client.stop_error or not await self._run_round(one_per_call=alone):
                    return
        finally:
            await self.client.model.close()

    async def _run_round(self, *, one_per_call: bool) -> bool:
        """Ask about all that waits; False when nothing does, or it cannot be."""
        waiting = self._batch.load_ungraded(self._context)
        controls: list[PromptItem] = []
        if not one_per_call and self._batch.items_per_call > 1 and sum(not one.needs_own_call for one in waiting) > 1:
            controls = await self._load_canaries()
        batches = self._batch.build_calls(waiting, controls, one_per_call=one_per_call or not controls)
        if self.client.stop_error or not batches:
            return False
        try:
            done = await self.client.complete_batch(
                [batch.prompt for batch in batches], partial(self._jobs.save, batches, self._batch.cache_keys)
            )
        except (BudgetExceededError, ModelUnavailableError) as error:
            self.client.stop_error = error
            return False
        await self.client.map_concurrently(
            list(zip(batches, done, strict=True)), lambda pair: self._run_call(*pair), "judging"
        )
        self._jobs.clear()
        return True

    async def _load_canaries(self) -> list[PromptItem]:
        """Two items of ours whose verdicts are known, asked for among themselves the first time; none if not had."""
        for alone in (False, True):
            missing = [one for key, one in self._batch.canaries.items() if key not in self._canary_grades]
            await self.client.map_concurrently(
                self._batch.build_calls(missing, (), one_per_call=alone), self._grade_canaries, "judging"
            )
        return [self._batch.canaries[key] for key in judging.choose_canary_pair(self._canary_grades)]

    async def _grade_canaries(self, call: GradingCall) -> None:
        completion, call_id = await self.client.complete(call.prompt)
        found = judging.parse_grades(completion, call, self._batch.templates)
        self._store_grades(found, call_id)
        self._canary_grades |= found

    async def _resume_job(self) -> None:
        """Collect the job of a run that was broken off; what it does not answer is asked anew."""
        job = self._jobs.load()
        if job is None:
            return
        try:
            sent = await self.client.find_job(job.handle)
            names = job.call_names
            done = await self.client.collect_job(sent, judging.JUDGE, len(names)) if sent else [None] * len(names)
        except ModelUnavailableError as error:
            if error.is_final:
                self._jobs.clear()  # it is gone, and its answers with it
            else:
                self.client.stop_error = error
            return
        everyone = {**self._batch.items, **self._batch.canaries}
        for batch, answer in zip(job.rebuild_calls(everyone, self._batch.cache_keys), done, strict=True):
            if answer is not None and batch.items_by_name:
                with suppress(ModelOutputError):
                    self._accept_grades(batch, *answer)
        self._jobs.clear()

    async def _run_call(self, call: GradingCall, completed: tuple[Completion, int] | None) -> None:
        """One call; its judgements are committed as they arrive."""
        if completed is not None:
            try:
                return self._accept_grades(call, *completed)
            except ModelOutputError:
                pass  # a batch job's answer that is no good is asked for again at once
        answer = await self.client.complete(call.prompt)
        with suppress(ModelOutputError) if _is_suspicious_call(call) else nullcontext():
            self._accept_grades(call, *answer)

    def _accept_grades(self, call: GradingCall, completion: Completion, call_id: int) -> None:
        """Keep what a call says, unless something in it has moved our own items in it."""
        found = judging.parse_grades(completion, call, self._batch.templates)
        theirs = {key: judgement for key, judgement in found.items() if not judging.is_canary(key)}
        if len(call.items_by_name) > 1 and judging.is_tampered(self._canary_grades, found):
            self.tampered_calls += 1
        else:
            self._store_grades(theirs, call_id)
            self._on_grades(theirs)

    def _store_grades(self, grades: Mapping[str, Grade], call_id: int) -> None:
        rows = [
            {
                "key": self._batch.cache_keys[key],
                "stage": judging.JUDGE,
                "item_id": self._batch.item_ids.get(key),
                "call_id": call_id,
                "value": judgement.model_dump(),
                "at": self._context.now,
            }
            for key, judgement in grades.items()
        ]
        with self._context.db.write() as session:
            answers.save_cached_answers(session, rows)


def _is_suspicious_call(call: GradingCall) -> bool:
    """Whether a call holds what may be an order alone: an answer to it that is no good says nothing of the model."""
    return all(candidate.needs_own_call for candidate in call.items_by_name.values())
