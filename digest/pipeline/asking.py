"""Asks a language model within the budget: every call is estimated before, billed after, and written down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from digest import llm
from digest.config import ModelSection
from digest.errors import BudgetExceeded, ConfigError, ModelError, ModelOutput, ModelUnavailable
from digest.models import ModelCall
from digest.pipeline.context import Context
from digest.ports import BatchModel, Completion, Model, Prompt, Usage
from digest.store import answers

T = TypeVar("T")
_PATIENCE = 3  # calls in a row that may fail, each after its own retries, before the model is left alone
_FORBEARANCE = 20  # answers in a row that may be no good, each of them paid for


class Asker:
    """A model for the length of one stage. `stopped` says why it is asked no more.

    Raises ConfigError where money may be spent and the price is not known: no limit would hold.
    """

    def __init__(self, context: Context, model: Model, run_id: int | None, max_usd: float | None = None) -> None:
        section = context.config.model
        with context.db.read() as session:
            month = answers.spent_since(session, answers.month_start(context.now))
            before = answers.spent_in(session, context.run_ids[0]) if context.run_ids else 0.0
        per_run = section.max_usd_per_run if max_usd is None else max_usd
        self.model = model
        self.price = _priced(model.name, section, max_usd)
        self.budget = llm.Budget(per_run, section.max_usd_per_month, month, before)
        self.stopped: ModelError | None = None
        self.versions: set[str] = set()
        self.calls = 0
        self._context = context
        self._run_id = run_id
        self._failed = self._useless = 0
        self._unusable: ModelOutput | None = None
        self._settled = asyncio.Event()

    @property
    def trouble(self) -> str:
        """Why something is left without an answer, and what to do, for a person."""
        error = self.stopped or self._unusable
        if error is None:
            return "the model gave no usable answer on them"
        return " → ".join(filter(None, [error.message, error.hint]))

    @property
    def bill(self) -> str:
        """What this stage has cost, for a person."""
        return f"{self.budget.spent:.4f} USD" if self.price else "no price known, so no limit in USD holds"

    async def ask(self, prompt: Prompt) -> tuple[Completion, int]:
        """An answer and the id of its call; raises BudgetExceeded or ModelUnavailable."""
        section = self._context.config.model
        estimate = estimated(prompt, self.price, section)
        await self._reserve(estimate)
        billed = 0.0
        try:
            completion = await self.model.complete(prompt)
            billed = llm.cost(completion.usage, self.price, section.service_tier)
        except ModelUnavailable as error:
            self._keep(prompt.stage, "failed", None, 0.0, str(error))
            raise
        finally:
            self.budget.settle(estimate, billed)
            self._settled.set()
        self._failed = 0
        return completion, self._answered(prompt.stage, completion, billed)

    async def _reserve(self, estimate: float) -> None:
        """Hold the estimate; where only calls under way stand against it, wait for their bills, which are lower."""
        while True:
            try:
                return self.budget.reserve(estimate)
            except BudgetExceeded:
                if not self.budget.held:
                    raise
            self._settled.clear()
            await self._settled.wait()

    async def ask_batch(
        self, prompts: Sequence[Prompt], sent: Callable[[str], None]
    ) -> list[tuple[Completion, int] | None]:
        """All at once where configuration and model allow it; None for what is still to be asked singly.

        `sent` is told the job's name before it is waited for.
        """
        section = self._context.config.model
        if not (section.batch and isinstance(self.model, BatchModel) and prompts):
            return [None] * len(prompts)
        estimate = sum(estimated(prompt, self.price, section, "batch") for prompt in prompts)
        self.budget.reserve(estimate)
        try:
            job = await self.model.begin(prompts)
            sent(job)
            return await self.collect(job, prompts[0].stage, len(prompts))
        finally:
            self.budget.settle(estimate, 0.0)

    async def collect(self, job: str, stage: str, count: int) -> list[tuple[Completion, int] | None]:
        """The answers of a job that was sent, in this run or in one that was broken off."""
        if not isinstance(self.model, BatchModel):
            return [None] * count
        self._context.progress.say(f"waiting for {count} calls in one batch job; it may take up to a day")
        out: list[tuple[Completion, int] | None] = []
        for completion in await self.model.collect(job, count):
            usd = llm.cost(completion.usage, self.price, "batch") if completion else 0.0
            self.budget.settle(0.0, usd)
            out.append((completion, self._answered(stage, completion, usd)) if completion else None)
        return out

    async def each(self, things: Sequence[T], work: Callable[[T], Awaitable[None]], label: str) -> None:
        """Do `work` on each thing, several at a time, until the model is no longer to be asked."""
        gate = asyncio.Semaphore(self._context.config.model.parallel)
        with self._context.progress.task(label, len(things)) as advance:

            async def one(thing: T) -> None:
                async with gate:
                    if self.stopped is None:
                        await self._careful(work, thing)
                    advance(1)

            await asyncio.gather(*(one(thing) for thing in things))

    async def _careful(self, work: Callable[[T], Awaitable[None]], thing: T) -> None:
        """An answer that is no good costs that answer; a model that cannot be reached, or may not, ends the asking."""
        try:
            await work(thing)
            self._useless = 0
        except ModelOutput as error:
            self._useless, self._unusable = self._useless + 1, error
            if self._useless >= _FORBEARANCE:
                self.stopped = error
        except BudgetExceeded as error:
            self.stopped = error
        except ModelUnavailable as error:
            self._failed += 1
            if error.final or self._failed >= _PATIENCE:
                self.stopped = error

    def _answered(self, stage: str, completion: Completion, usd: float) -> int:
        self.calls += 1
        if completion.model_version:
            self.versions.add(completion.model_version)
        state = "ok" if completion.data is not None else "bad"
        return self._keep(stage, state, completion, usd, completion.text)

    def _keep(self, stage: str, state: str, completion: Completion | None, usd: float, words: str) -> int:
        usage = completion.usage if completion else Usage()
        provider, _, model = self.model.name.partition(":")
        with self._context.db.write() as session:
            return answers.keep_call(
                session,
                ModelCall(
                    run_id=self._run_id,
                    stage=stage,
                    provider=provider,
                    model=model,
                    model_version=completion.model_version if completion else "",
                    state=state,
                    prompt_tokens=usage.prompt,
                    output_tokens=usage.output,
                    thought_tokens=usage.thoughts,
                    cached_tokens=usage.cached,
                    usd=usd,
                    seconds=completion.seconds if completion else 0.0,
                    response=words,
                    at=self._context.now,
                ),
            )


def estimated(prompt: Prompt, price: llm.Price | None, section: ModelSection, tier: str = "") -> float:
    """USD that a call may cost at most, about: its words, and all the output and thought it is allowed."""
    given = llm.tokens(prompt.system) + llm.tokens(prompt.user) + llm.tokens(str(prompt.schema))
    written = prompt.max_output_tokens + llm.THOUGHTS[section.thinking]
    return llm.cost(Usage(prompt=given, output=written), price, tier or section.service_tier)


def _priced(model: str, section: ModelSection, max_usd: float | None) -> llm.Price | None:
    """The model's price. Raises ConfigError where none is known and money is at stake: no limit would hold."""
    price = llm.price(model, section)
    if price is None and (max_usd is not None or model.startswith("gemini:")):
        raise ConfigError(
            f"no price is known of {model}, so no limit in USD would hold",
            "say what it costs per million tokens in sources.yaml: model.price: {input: 0.30, output: 2.50}",
        )
    return price
