"""Stage `judge`: grading rounds, resumable batch jobs.

The asking behind `judge`: calls in which items of our own lie too; answers kept, and what was swayed asked anew.

Remembers a batch job that was sent, so that a run that is broken off does not send and pay for it twice.

`judge`: a language model reads the best-ranked candidates of a period; what it answered once is not asked again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from digest.aio import run_sync
from digest.context import Context, record_run
from digest.db.key_value import load_value, save_value
from digest.db.llm_calls import load_cached_answers, save_cached_answers
from digest.db.predictions import load_ranking, load_taggings, save_taggings
from digest.errors import BudgetExceededError, ModelOutputError, ModelUnavailableError
from digest.llm.client import BatchJobHandle, MeteredClient
from digest.llm.prompts import PromptTemplates, load_prompt_templates
from digest.models.items import Item, get_abstract
from digest.models.predictions import Tagging
from digest.periods import Period
from digest.protocols import Completion, Prompt, Report
from digest.tagging.llm import (
    GRADE_STAGE,
    Grade,
    GradingCall,
    PromptItem,
    build_cache_key,
    build_canaries,
    build_grading_calls,
    choose_canary_pair,
    hash_grading_prompt,
    is_canary,
    is_tampered,
    parse_grades,
)
from digest.tagging.stage import EMBEDDED_ENGINE
from digest.tagging.taxonomy import fingerprint_taxonomy

_EMPTY_PROMPT = Prompt("judge", "", "", "", {})  # the words that were sent are not needed to read what came back


@dataclass(frozen=True)
class PendingBatchJob:
    """A job that was sent or was about to be, and per call whose names it uses.

    `names` gives for each name (the item's key, the key of its answer).
    """

    handle: BatchJobHandle
    call_names: Sequence[Mapping[str, Sequence[str]]]

    def rebuild_calls(self, items: Mapping[str, PromptItem], cache_keys: Mapping[str, str]) -> list[GradingCall]:
        """The calls again, for the items whose words, prompt and model are still those that were sent."""
        return [
            GradingCall(
                _EMPTY_PROMPT,
                {name: items[key] for name, (key, answer) in call.items() if cache_keys.get(key) == answer},
            )
            for call in self.call_names
        ]


class BatchJobStore:
    """The one job that may be under way for a model and a period, or another purpose of that name."""

    def __init__(self, context: Context, model: str, name: str) -> None:
        self._context = context
        self._name = f"batch:{model}:{name}"

    def load(self) -> PendingBatchJob | None:
        """The job of a run that did not live to its end."""
        with self._context.db.read() as session:
            kept = load_value(session, self._name)
        return (
            PendingBatchJob(BatchJobHandle(kept.get("mark", ""), kept.get("call", 0), kept["job"]), kept["names"])
            if kept
            else None
        )

    def save(self, calls: Sequence[GradingCall], cache_keys: Mapping[str, str], handle: BatchJobHandle) -> None:
        """Write the job down: before it is sent, and with its name before it is waited for."""
        names = [{name: (one.key, cache_keys[one.key]) for name, one in batch.items_by_name.items()} for batch in calls]
        self._write({"job": handle.name, "mark": handle.batch_mark, "call": handle.call_id, "names": names})

    def clear(self) -> None:
        """Its answers are stored, or lost."""
        if self.load():
            self._write({})

    def _write(self, value: Mapping[str, object]) -> None:
        with self._context.db.write() as session:
            save_value(session, self._name, value, self._context.now)


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
            kept = load_cached_answers(session, [self.cache_keys[key] for key in keys])
        return {key: Grade.model_validate(kept[self.cache_keys[key]]) for key in keys if self.cache_keys[key] in kept}

    def build_calls(
        self, items: Sequence[PromptItem], canaries: Sequence[PromptItem], *, one_per_call: bool
    ) -> list[GradingCall]:
        """Calls for candidates; each `alone` in its own, or as many together as may be."""
        at_once = 1 if one_per_call else self.items_per_call
        return list(build_grading_calls(items, self.templates, secrets.token_hex(8), canaries, at_once))

    def load_ungraded(self, context: Context) -> list[PromptItem]:
        """What has no answer yet."""
        known = self.load_grades(context, self.items)
        return [candidate for key, candidate in self.items.items() if key not in known]


def build_grading_batch(
    context: Context, items: Mapping[str, PromptItem], model: str, item_ids: Mapping[str, int]
) -> GradingBatch:
    """The docket of candidates for a model; `ids` are those of stored items."""
    wording = load_prompt_templates(context.config, context.template_folder)
    controls = {one.key: one for one in build_canaries(context.config.taxonomy)}
    version, thinking = hash_grading_prompt(wording), context.config.model.thinking
    keys = {
        key: build_cache_key(model, GRADE_STAGE, version, one, thinking=thinking)
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
        return [self._batch.canaries[key] for key in choose_canary_pair(self._canary_grades)]

    async def _grade_canaries(self, call: GradingCall) -> None:
        completion, call_id = await self.client.complete(call.prompt)
        found = parse_grades(completion, call, self._batch.templates)
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
            done = await self.client.collect_job(sent, GRADE_STAGE, len(names)) if sent else [None] * len(names)
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
        found = parse_grades(completion, call, self._batch.templates)
        theirs = {key: judgement for key, judgement in found.items() if not is_canary(key)}
        if len(call.items_by_name) > 1 and is_tampered(self._canary_grades, found):
            self.tampered_calls += 1
        else:
            self._store_grades(theirs, call_id)
            self._on_grades(theirs)

    def _store_grades(self, grades: Mapping[str, Grade], call_id: int) -> None:
        rows = [
            {
                "key": self._batch.cache_keys[key],
                "stage": GRADE_STAGE,
                "item_id": self._batch.item_ids.get(key),
                "call_id": call_id,
                "value": judgement.model_dump(),
                "at": self._context.now,
            }
            for key, judgement in grades.items()
        ]
        with self._context.db.write() as session:
            save_cached_answers(session, rows)


def _is_suspicious_call(call: GradingCall) -> bool:
    """Whether a call holds what may be an order alone: an answer to it that is no good says nothing of the model."""
    return all(candidate.needs_own_call for candidate in call.items_by_name.values())


AGREED_CONFIDENCE, NEAR_CONFIDENCE, DISAGREED_CONFIDENCE = (
    0.85,
    0.7,
    0.5,
)  # how sure a category is when the embedded tagger says so too, nearly, or not


def grade_candidates(
    context: Context, period: Period, *, limit: int | None = None, max_usd: float | None = None
) -> Report:
    """Have the model sort and grade the best `limit` candidates; rank again afterwards, and its grades count.

    Without a model it says so and does nothing. What the model cannot or may not answer keeps the machine's verdict,
    and the report says how many and why.
    """
    with record_run(context, "judge", period.name) as report:
        model = context.make_model()
        if model is None:
            report.line = f"{period}: judged by no language model. {context.model_summary}".strip()
            return report
        most = context.config.model.judged if limit is None else limit
        with context.db.read() as session:
            best = [item for _, item in load_ranking(session, period.name, most)]
        items = {item.key: item for item in best}
        docket = build_grading_batch(
            context, build_prompt_items(best), model.name, {key: item.id for key, item in items.items()}
        )
        known = docket.load_grades(context, items)
        _save_grades(context, items, model.name, known)
        asker = MeteredClient(context, model, report.run_id, max_usd)
        jobs = BatchJobStore(context, model.name, period.name)
        hearing = GradingRun(
            context, docket, asker, jobs, lambda found: _save_grades(context, items, model.name, found)
        )
        run_sync(hearing.run())
        _fill_grading_report(context, period, docket, hearing, len(known), report)
    return report


def build_prompt_items(items: Sequence[Item]) -> dict[str, PromptItem]:
    """Items' words as a model may see them, by key."""
    return {item.key: PromptItem.from_text(item.key, item.title, get_abstract(item)) for item in items}


def _save_grades(context: Context, items: Mapping[str, Item], engine: str, grades: Mapping[str, Grade]) -> None:
    """Store judgements as taggings by this engine."""
    mark = fingerprint_taxonomy(context.config.taxonomy)
    ids = [items[key].id for key in grades]
    with context.db.write() as session:
        ours = load_taggings(session, ids)
        rows: Sequence[dict[str, Any]] = [
            {
                "item_id": items[key].id,
                "engine": engine,
                **judgement.model_dump(),
                "confidence": _combine_confidence(judgement, ours.get(items[key].id, {}).get(EMBEDDED_ENGINE)),
                "taxonomy": mark,
                "item_digest": items[key].digest,
                "at": context.now,
            }
            for key, judgement in grades.items()
        ]
        save_taggings(session, rows)


def _combine_confidence(grade: Grade, embedded_tagging: Tagging | None) -> float:
    """Two taggers that agree are surer than one that says how sure it is."""
    if embedded_tagging is None:
        return NEAR_CONFIDENCE
    if embedded_tagging.category == grade.category:
        return max(AGREED_CONFIDENCE, embedded_tagging.confidence)
    return NEAR_CONFIDENCE if grade.category == embedded_tagging.secondary else DISAGREED_CONFIDENCE


def _fill_grading_report(
    context: Context, period: Period, batch: GradingBatch, run: GradingRun, cached_count: int, report: Report
) -> None:
    asker = run.client
    suspects = [key for key, candidate in batch.items.items() if candidate.injected_text]
    left = len(batch.load_ungraded(context))
    judged = len(batch.items) - left
    report.numbers = {
        "judged": judged,
        "asked_before": cached_count,
        "calls": asker.call_count,
        "left": left,
        "usd": round(asker.budget.spent, 6),
        "suspects": suspects,
        "swayed": run.tampered_calls,
    }
    who = context.model_summary.rstrip(".") or asker.model.name
    version = f", which answered as {' and '.join(sorted(asker.model_versions))}" if asker.model_versions else ""
    report.line = (
        f"{period}: {judged} of the {len(batch.items)} best judged by {who}{version}; "
        f"{cached_count} of them known before, {asker.call_count} calls, {asker.cost_summary}"
    )
    if suspects:
        report.line += f"; {len(suspects)} look like instructions to a model and were judged alone"
    if run.tampered_calls:
        report.line += f"; {run.tampered_calls} calls were swayed by a text in them: their items were judged alone"
    if left:
        report.state = "done" if asker.is_budget_exhausted else "partial"
        report.problems = [f"{left} keep this machine's own verdict: {asker.failure_reason}"]
        report.line += f"; {report.problems[0]}"
