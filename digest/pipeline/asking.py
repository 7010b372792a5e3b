"""Asks a language model within the budget: every call is estimated before, billed after, and written down."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

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


class Sent(NamedTuple):
    """A batch job on its way: the mark it carries, the call it is written down as, and its name once it arrived."""

    mark: str
    call_id: int
    name: str = ""


class Asker:
    """A model for the length of one stage. `stopped` says why it is asked no more.

    Raises ConfigError where money may be spent and the price is not known: no limit would hold.
    """

    def __init__(self, context: Context, model: Model, run_id: int | None, max_usd: float | None = None) -> None:
        section = context.config.model
        with context.db.read() as session:
            before = answers.spent_in(session, context.run_ids[0]) if context.run_ids else 0.0
        per_run = section.max_usd_per_run if max_usd is None else max_usd
        self.model = model
        self.price = _priced(model.name, section, max_usd)
        self.budget = llm.Budget(per_run, section.max_usd_per_month, before)
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
    def at_limit(self) -> bool:
        """Whether it is the owner's limit in USD that ended the asking, and no fault."""
        return isinstance(self.stopped, BudgetExceeded)

    @property
    def down(self) -> bool:
        """Whether the model could not be asked, or gave nothing of use."""
        return self.stopped is not None and not self.at_limit

    @property
    def bill(self) -> str:
        """What this stage has cost, for a person."""
        if self.price is None:
            return "no price known, so no limit in USD holds"
        lost = f" and up to {self.budget.doubtful:.4f} for calls without an answer" if self.budget.doubtful else ""
        return f"{self.budget.spent:.4f} USD{lost}"

    async def ask(self, prompt: Prompt) -> tuple[Completion, int]:
        """An answer and the id of its call; raises BudgetExceeded or ModelUnavailable."""
        section = self._context.config.model
        estimate = estimated(prompt, self.price, section)
        call_id = await self._begun(prompt.stage, estimate)
        billed, in_doubt = 0.0, False
        try:
            completion = await self.model.complete(prompt)
            billed = llm.cost(completion.usage, self.price, section.service_tier)
        except ModelUnavailable as error:
            in_doubt = error.in_doubt
            self._failure(call_id, error)
            raise
        finally:
            self.budget.settle(estimate, billed, in_doubt=in_doubt)
            self._settled.set()
        self._failed = 0
        self._answered(call_id, completion, billed)
        return completion, call_id

    async def _begun(self, stage: str, estimate: float) -> int:
        """Hold the estimate and write the call down; wait for the bills of calls under way if only they forbid it."""
        while True:
            try:
                return self._reserved(stage, estimate)
            except BudgetExceeded:
                if not self.budget.held:
                    raise
            self._settled.clear()
            await self._settled.wait()

    def _reserved(self, stage: str, estimate: float) -> int:
        """A call about to be sent, at its estimate: it counts for every process, and stays when this one is killed."""
        with self._context.db.write() as session:
            month = answers.spent_since(session, answers.month_start(self._context.now))
            self.budget.reserve(estimate, month)
            return answers.keep_call(session, self._call(stage, usd=estimate))

    async def ask_batch(
        self, prompts: Sequence[Prompt], noted: Callable[[Sent], None]
    ) -> list[tuple[Completion, int] | None]:
        """All at once where configuration and model allow it; None for what is still to be asked singly.

        `noted` is told of the job before it is sent, and again with its name before it is waited for.
        """
        section = self._context.config.model
        if not (section.batch and isinstance(self.model, BatchModel) and prompts):
            return [None] * len(prompts)
        estimate = sum(estimated(prompt, self.price, section, "batch") for prompt in prompts)
        stage = prompts[0].stage
        sent = Sent(f"digest-{secrets.token_hex(8)}", self._reserved(stage, estimate))
        try:
            noted(sent)
            sent = sent._replace(name=await self._sent(self.model, prompts, sent))
            noted(sent)
            return await self.collect(sent, stage, len(prompts))
        finally:
            self.budget.settle(estimate, 0.0)

    async def _sent(self, model: BatchModel, prompts: Sequence[Prompt], sent: Sent) -> str:
        try:
            return await model.begin(prompts, sent.mark)
        except ModelUnavailable as error:
            self._failure(sent.call_id, error)
            raise

    async def found(self, sent: Sent) -> Sent | None:
        """A job with its name, asked for where a run ended between sending it and noting it; None if none arrived."""
        if sent.name or not isinstance(self.model, BatchModel):
            return sent
        name = await self.model.find(sent.mark)
        if name is None:
            self._settle(sent.call_id, state="failed", usd=0.0, response="the job was never sent")
        return sent._replace(name=name) if name else None

    async def collect(self, sent: Sent, stage: str, count: int) -> list[tuple[Completion, int] | None]:
        """The answers of a job that was sent, in this run or in one that was broken off.

        Each is written down as a call; the job's own costs nothing from then on.
        """
        if not isinstance(self.model, BatchModel):
            return [None] * count
        self._context.progress.say(f"waiting for {count} calls in one batch job; it may take up to a day")
        completions = await self.model.collect(sent.name, count)
        self._settle(sent.call_id, state="ok", usd=0.0, response=sent.name)
        return [self._collected(stage, completion) if completion else None for completion in completions]

    def _collected(self, stage: str, completion: Completion) -> tuple[Completion, int]:
        usd = llm.cost(completion.usage, self.price, "batch")
        self.budget.settle(0.0, usd)
        with self._context.db.write() as session:
            call_id = answers.keep_call(session, self._call(stage))
        self._answered(call_id, completion, usd)
        return completion, call_id

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

    def _answered(self, call_id: int, completion: Completion, usd: float) -> None:
        self.calls += 1
        if completion.model_version:
            self.versions.add(completion.model_version)
        usage = completion.usage
        self._settle(
            call_id,
            state="ok" if completion.data is not None else "bad",
            model_version=completion.model_version,
            prompt_tokens=usage.prompt,
            output_tokens=usage.output,
            thought_tokens=usage.thoughts,
            cached_tokens=usage.cached,
            usd=usd,
            seconds=completion.seconds,
            response=completion.text,
        )

    def _failure(self, call_id: int, error: ModelUnavailable) -> None:
        """A call that failed costs nothing, save where its answer may have been lost on the way."""
        facts = {} if error.in_doubt else {"state": "failed", "usd": 0.0}
        self._settle(call_id, response=str(error), **facts)

    def _settle(self, call_id: int, **facts: Any) -> None:
        with self._context.db.write() as session:
            answers.settle_call(session, call_id, **facts)

    def _call(self, stage: str, usd: float = 0.0) -> ModelCall:
        provider, _, model = self.model.name.partition(":")
        now = self._context.now
        return ModelCall(run_id=self._run_id, stage=stage, provider=provider, model=model, usd=usd, at=now)


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
