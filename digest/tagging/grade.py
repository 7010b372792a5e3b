"""Stage `judge`: a language model grades the best-ranked candidates of a period.

Answers are cached, so that no item is paid for twice. Each call of several items includes canary items: a call whose
canaries changed is discarded, and its items are graded one by one. A batch job of an interrupted run is collected by
the next one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial

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
from digest.tagging.embedded import EMBEDDED_ENGINE
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
from digest.tagging.taxonomy import fingerprint_taxonomy
from digest.text.sentences import split_sentences

# Confidence in a category that the embedded tagger gives too, gives as its second guess, or does not give.
AGREED_CONFIDENCE, NEAR_CONFIDENCE, DISAGREED_CONFIDENCE = 0.85, 0.7, 0.5
_EMPTY_PROMPT = Prompt(GRADE_STAGE, "", "", "", {})  # a reply is parsed without the prompt that was sent

# A month's best are graded by title and first sentence, and the best of these by their abstracts: of expert picks .457
# are among the first 300 of the ranking, .781 among 1,000.
MAX_WHOLE_TEXTS = 200
BRIEF_ITEMS_FACTOR = 2  # as many items in a call as whole texts
_MAX_SENTENCE = 240  # characters

GradesCallback = Callable[[Mapping[str, Grade]], None]


@dataclass(frozen=True)
class PendingBatchJob:
    """A batch job that was sent or about to be; `call_names` map each name of a call to (item key, cache key)."""

    handle: BatchJobHandle
    call_names: Sequence[Mapping[str, Sequence[str]]]

    def rebuild_calls(self, items: Mapping[str, PromptItem], cache_keys: Mapping[str, str]) -> list[GradingCall]:
        """Rebuild the calls for items whose text, prompt and model are still those that were sent."""
        return [
            GradingCall(
                _EMPTY_PROMPT, {name: items[k] for name, (k, cached) in names.items() if cache_keys.get(k) == cached}
            )
            for names in self.call_names
        ]


class BatchJobStore:
    """The one batch job that may be under way for a model and a period (or another purpose)."""

    def __init__(self, context: Context, model: str, purpose: str) -> None:
        self._context = context
        self._name = f"batch:{model}:{purpose}"

    def load(self) -> PendingBatchJob | None:
        """Load the job of an interrupted run."""
        with self._context.db.read() as session:
            row = load_value(session, self._name)
        if not row:
            return None
        return PendingBatchJob(BatchJobHandle(row.get("mark", ""), row.get("call", 0), row["job"]), row["names"])

    def save(self, calls: Sequence[GradingCall], cache_keys: Mapping[str, str], handle: BatchJobHandle) -> None:
        """Save the job: before it is sent, and with its name before the run waits for it."""
        names = [{name: (item.key, cache_keys[item.key]) for name, item in c.items_by_name.items()} for c in calls]
        self._write({"job": handle.name, "mark": handle.batch_mark, "call": handle.call_id, "names": names})

    def clear(self) -> None:
        """Forget the job, whose answers are stored or lost."""
        if self.load():
            self._write({})

    def _write(self, value: Mapping[str, object]) -> None:
        with self._context.db.write() as session:
            save_value(session, self._name, value, self._context.now)


@dataclass(frozen=True)
class GradingBatch:
    """The items and canaries that a model is to grade, with the cache keys of their answers."""

    items: Mapping[str, PromptItem]
    canaries: Mapping[str, PromptItem]
    cache_keys: Mapping[str, str]
    item_ids: Mapping[str, int]
    templates: PromptTemplates
    items_per_call: int

    def load_grades(self, context: Context, keys: Collection[str]) -> dict[str, Grade]:
        """Load the cached grades of `keys`."""
        with context.db.read() as session:
            cached = load_cached_answers(session, [self.cache_keys[key] for key in keys])
        return {
            key: Grade.model_validate(cached[self.cache_keys[key]]) for key in keys if self.cache_keys[key] in cached
        }

    def build_calls(
        self, items: Sequence[PromptItem], canaries: Sequence[PromptItem], *, one_per_call: bool
    ) -> list[GradingCall]:
        """Build the calls for items, each in its own or as many together as allowed."""
        count = 1 if one_per_call else self.items_per_call
        return list(build_grading_calls(items, self.templates, secrets.token_hex(8), canaries, count))

    def load_ungraded(self, context: Context) -> list[PromptItem]:
        """Return the items without a cached grade."""
        grades = self.load_grades(context, self.items)
        return [item for key, item in self.items.items() if key not in grades]


def build_grading_batch(
    context: Context, items: Mapping[str, PromptItem], model: str, item_ids: Mapping[str, int]
) -> GradingBatch:
    """Build the batch of items for a model; `item_ids` are those of stored items."""
    templates = load_prompt_templates(context.config, context.template_folder)
    canaries = {canary.key: canary for canary in build_canaries(context.config.taxonomy)}
    version, thinking = hash_grading_prompt(templates), context.config.model.thinking
    cache_keys = {
        key: build_cache_key(model, GRADE_STAGE, version, item, thinking=thinking)
        for key, item in {**items, **canaries}.items()
    }
    return GradingBatch(items, canaries, cache_keys, item_ids, templates, context.config.model.together)


class GradingRun:
    """One model asked about one batch; `on_grades` is called with grades as they are stored.

    `tampered_calls` counts the calls that were discarded because their canaries had changed.
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
        self.client = client
        self._context = context
        self._batch = batch
        self._jobs = jobs
        self._on_grades = on_grades
        self._canary_grades: dict[str, Grade] = {}

    async def run(self) -> None:
        """Collect an interrupted batch job, make every call once, then grade what is left one by one."""
        try:
            self._canary_grades = self._batch.load_grades(self._context, self._batch.canaries)
            await self._resume_job()
            for one_per_call in (False, True):
                if self.client.stop_error or not await self._run_round(one_per_call=one_per_call):
                    return
        finally:
            await self.client.model.close()

    async def _run_round(self, *, one_per_call: bool) -> bool:
        """Ask about all ungraded items; returns False when there are none, or the model cannot be asked."""
        items = self._batch.load_ungraded(self._context)
        canaries: list[PromptItem] = []
        if not one_per_call and self._batch.items_per_call > 1 and sum(not item.needs_own_call for item in items) > 1:
            canaries = await self._load_canaries()
        calls = self._batch.build_calls(items, canaries, one_per_call=one_per_call or not canaries)
        if self.client.stop_error or not calls:
            return False
        try:
            completed = await self.client.complete_batch(
                [call.prompt for call in calls], partial(self._jobs.save, calls, self._batch.cache_keys)
            )
        except (BudgetExceededError, ModelUnavailableError) as error:
            self.client.stop_error = error
            return False
        pairs = list(zip(calls, completed, strict=True))
        await self.client.map_concurrently(pairs, lambda pair: self._run_call(*pair), "judging")
        self._jobs.clear()
        return True

    async def _load_canaries(self) -> list[PromptItem]:
        """Return two canaries with grades, asked for among themselves the first time; none if that fails."""
        for one_per_call in (False, True):
            missing = [item for key, item in self._batch.canaries.items() if key not in self._canary_grades]
            calls = self._batch.build_calls(missing, (), one_per_call=one_per_call)
            await self.client.map_concurrently(calls, self._grade_canaries, "judging")
        return [self._batch.canaries[key] for key in choose_canary_pair(self._canary_grades)]

    async def _grade_canaries(self, call: GradingCall) -> None:
        completion, call_id = await self.client.complete(call.prompt)
        grades = parse_grades(completion, call, self._batch.templates)
        self._store_grades(grades, call_id)
        self._canary_grades |= grades

    async def _resume_job(self) -> None:
        """Collect the job of an interrupted run; what it does not answer is asked again."""
        job = self._jobs.load()
        if job is None:
            return
        count = len(job.call_names)
        try:
            handle = await self.client.find_job(job.handle)
            completed = await self.client.collect_job(handle, GRADE_STAGE, count) if handle else [None] * count
        except ModelUnavailableError as error:
            if error.is_final:
                self._jobs.clear()  # the job is gone, and its answers with it
            else:
                self.client.stop_error = error
            return
        calls = job.rebuild_calls({**self._batch.items, **self._batch.canaries}, self._batch.cache_keys)
        for call, completion in zip(calls, completed, strict=True):
            if completion is not None and call.items_by_name:
                with suppress(ModelOutputError):
                    self._accept_grades(call, *completion)
        self._jobs.clear()

    async def _run_call(self, call: GradingCall, completed: tuple[Completion, int] | None) -> None:
        """Store the grades of one call; an unusable answer of a batch job is asked for again at once."""
        if completed is not None:
            with suppress(ModelOutputError):
                self._accept_grades(call, *completed)
                return
        answer = await self.client.complete(call.prompt)
        # An unusable answer about a suspicious text alone says nothing of the model.
        is_suspicious_call = all(item.needs_own_call for item in call.items_by_name.values())
        with suppress(ModelOutputError) if is_suspicious_call else nullcontext():
            self._accept_grades(call, *answer)

    def _accept_grades(self, call: GradingCall, completion: Completion, call_id: int) -> None:
        """Store what a call says, unless its canaries have changed."""
        grades = parse_grades(completion, call, self._batch.templates)
        if len(call.items_by_name) > 1 and is_tampered(self._canary_grades, grades):
            self.tampered_calls += 1
            return
        grades = {key: grade for key, grade in grades.items() if not is_canary(key)}
        self._store_grades(grades, call_id)
        self._on_grades(grades)

    def _store_grades(self, grades: Mapping[str, Grade], call_id: int) -> None:
        rows = [
            {
                "key": self._batch.cache_keys[key],
                "stage": GRADE_STAGE,
                "item_id": self._batch.item_ids.get(key),
                "call_id": call_id,
                "value": grade.model_dump(),
                "at": self._context.now,
            }
            for key, grade in grades.items()
        ]
        with self._context.db.write() as session:
            save_cached_answers(session, rows)


def grade_candidates(
    context: Context, period: Period, *, limit: int | None = None, max_usd: float | None = None
) -> Report:
    """Let the model sort and grade the best `limit` candidates; a ranking made afterwards counts its grades.

    Does nothing without a model. Items without a usable answer keep the embedded tagger's category; the report says how
    many and why.
    """
    with record_run(context, "judge", period.name) as report:
        model = context.make_model()
        if model is None:
            report.line = f"{period}: judged by no language model. {context.model_summary}".strip()
            return report
        limit = context.config.model.judged if limit is None else limit
        with context.db.read() as session:
            items = {item.key: item for _, item in load_ranking(session, period.name, limit)}
        best = list(items)
        if len(items) > MAX_WHOLE_TEXTS:
            client = MeteredClient(context, model, report.run_id, max_usd)
            brief = _grade_texts(context, period, items, client, is_brief=True)
            if brief.run.client.stop_error or not (grades := brief.batch.load_grades(context, items)):
                _fill_grading_report(context, period, brief.batch, brief.run, brief.cached_count, report)
                return report
            best.sort(key=lambda key: -grades[key].relevance if key in grades else 0)  # by rank among equals
            model = context.make_model() or model
        chosen = {key: items[key] for key in best[:MAX_WHOLE_TEXTS]}
        client = MeteredClient(context, model, report.run_id, max_usd)
        by_abstract = _grade_texts(context, period, chosen, client, is_brief=False)
        _fill_grading_report(context, period, by_abstract.batch, by_abstract.run, by_abstract.cached_count, report)
        if len(items) > len(chosen):
            _add_brief_pass(context, brief, report)
    return report


@dataclass(frozen=True)
class _GradingPass:
    """One pass over items, as whole texts or in brief."""

    batch: GradingBatch
    run: GradingRun
    cached_count: int


def _grade_texts(
    context: Context,
    period: Period,
    items: Mapping[str, Item],
    client: MeteredClient,
    *,
    is_brief: bool,
) -> _GradingPass:
    """Grade items by their abstracts, or in brief by title and first sentence."""
    prompt_items = build_prompt_items(list(items.values()), is_brief=is_brief)
    batch = build_grading_batch(context, prompt_items, client.model.name, {key: item.id for key, item in items.items()})
    if is_brief:
        batch = replace(batch, items_per_call=batch.items_per_call * BRIEF_ITEMS_FACTOR)
    save_grades = partial(_save_grades, context, items, client.model.name)
    cached = batch.load_grades(context, items)
    save_grades(cached)
    jobs = BatchJobStore(context, client.model.name, f"{period.name}:brief" if is_brief else period.name)
    run = GradingRun(context, batch, client, jobs, save_grades)
    run_sync(run.run())
    return _GradingPass(batch, run, len(cached))


def _add_brief_pass(context: Context, brief: _GradingPass, report: Report) -> None:
    """Add what the pass in brief did to a report on the pass over whole texts."""
    judged = len(brief.batch.items) - len(brief.batch.load_ungraded(context))
    spent, calls = round(brief.run.client.budget.spent, 6), brief.run.client.call_count
    report.numbers["in_brief"] = judged
    report.numbers["judged"] = max(judged, int(report.numbers["judged"]))
    report.numbers["calls"] += calls
    report.numbers["usd"] = round(spent + report.numbers["usd"], 6)
    report.line += f"; chosen from {judged} judged by title and first sentence in {calls} calls"


def build_prompt_items(items: Sequence[Item], *, is_brief: bool = False) -> dict[str, PromptItem]:
    """Return items as a model may see them, by key; in brief with the first sentence of the text."""
    texts = {item.key: get_abstract(item) for item in items}
    if is_brief:
        texts = {key: next(iter(split_sentences(text[:2000])), "")[:_MAX_SENTENCE] for key, text in texts.items()}
    return {item.key: PromptItem.from_text(item.key, item.title, texts[item.key]) for item in items}


def _save_grades(context: Context, items: Mapping[str, Item], engine: str, grades: Mapping[str, Grade]) -> None:
    """Store grades as taggings by this engine."""
    fingerprint = fingerprint_taxonomy(context.config.taxonomy)
    with context.db.write() as session:
        taggings = load_taggings(session, [items[key].id for key in grades])
        rows = [
            {
                "item_id": items[key].id,
                "engine": engine,
                **grade.model_dump(),
                "confidence": _combine_confidence(grade, taggings.get(items[key].id, {}).get(EMBEDDED_ENGINE)),
                "taxonomy": fingerprint,
                "item_digest": items[key].digest,
                "at": context.now,
            }
            for key, grade in grades.items()
        ]
        save_taggings(session, rows)


def _combine_confidence(grade: Grade, embedded_tagging: Tagging | None) -> float:
    """Return how sure a grade's category is, given the embedded tagger's."""
    if embedded_tagging is None:
        return NEAR_CONFIDENCE
    if embedded_tagging.category == grade.category:
        return max(AGREED_CONFIDENCE, embedded_tagging.confidence)
    return NEAR_CONFIDENCE if grade.category == embedded_tagging.secondary else DISAGREED_CONFIDENCE


def _fill_grading_report(
    context: Context, period: Period, batch: GradingBatch, run: GradingRun, cached_count: int, report: Report
) -> None:
    client = run.client
    suspects = [key for key, item in batch.items.items() if item.injected_text]
    left = len(batch.load_ungraded(context))
    graded = len(batch.items) - left
    report.numbers = {
        "judged": graded,
        "asked_before": cached_count,
        "calls": client.call_count,
        "left": left,
        "usd": round(client.budget.spent, 6),
        "suspects": suspects,
        "swayed": run.tampered_calls,
    }
    engine = context.model_summary.rstrip(".") or client.model.name
    version = f", which answered as {' and '.join(sorted(client.model_versions))}" if client.model_versions else ""
    report.line = (
        f"{period}: {graded} of the {len(batch.items)} best judged by {engine}{version}; "
        f"{cached_count} of them known before, {client.call_count} calls, {client.cost_summary}"
    )
    if suspects:
        report.line += f"; {len(suspects)} look like instructions to a model and were judged alone"
    if run.tampered_calls:
        report.line += f"; {run.tampered_calls} calls were swayed by a text in them: their items were judged alone"
    if left:
        report.state = "done" if client.is_budget_exhausted else "partial"
        report.problems = [f"{left} keep this machine's own verdict: {client.failure_reason}"]
        report.line += f"; {report.problems[0]}"
