"""Ask a language model within the budget: each call is estimated before, billed after, and recorded."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from digest.config.schema import ModelConfig
from digest.context import Context
from digest.db.llm_calls import get_month_start, save_llm_call, sum_run_spend, sum_spend_since, update_llm_call
from digest.errors import BudgetExceededError, ConfigError, ModelError, ModelOutputError, ModelUnavailableError
from digest.llm.budget import Budget
from digest.llm.prices import THINKING_TOKENS, Price, compute_cost, estimate_tokens, find_price
from digest.models.runs import LLMCall
from digest.protocols import BatchModel, Completion, Model, Prompt, Usage

T = TypeVar("T")
_MAX_FAILURES = 3  # failed calls in a row, each after its own retries, before the model is left alone
_MAX_UNUSABLE = 20  # unusable answers in a row, each of them paid for


class BatchJobHandle(NamedTuple):
    """A batch job: the mark it carries, the id of its recorded call, and its name once it arrived."""

    batch_mark: str
    call_id: int
    name: str = ""


class MeteredClient:
    """A model for the length of one stage. `stop_error` holds the error that ended the calls, if any.

    Raises ConfigError where money may be spent and the price is unknown: no limit would hold.
    """

    def __init__(self, context: Context, model: Model, run_id: int | None, max_usd: float | None = None) -> None:
        section = context.config.model
        with context.db.read() as session:
            spent = sum_run_spend(session, context.active_run_ids[0]) if context.active_run_ids else 0.0
        self.model = model
        self.price = find_price(model.name, section)
        if self.price is None and (max_usd is not None or model.name.startswith("gemini:")):
            raise ConfigError(
                f"no price is known of {model.name}, so no limit in USD would hold",
                "set its price per million tokens in sources.yaml: model.price: {input: 0.30, output: 2.50}",
            )
        per_run = section.max_usd_per_run if max_usd is None else max_usd
        self.budget = Budget(per_run, section.max_usd_per_month, spent)
        self.stop_error: ModelError | None = None
        self.model_versions: set[str] = set()
        self.call_count = 0
        self._context = context
        self._run_id = run_id
        self._consecutive_failures = self._consecutive_unusable = 0
        self._last_unusable: ModelOutputError | None = None
        self._reservation_settled = asyncio.Event()

    @property
    def failure_reason(self) -> str:
        """Why something has no answer, and how to fix it, for a person."""
        error = self.stop_error or self._last_unusable
        if error is None:
            return "the model gave no usable answer on them"
        return " → ".join(filter(None, [error.message, error.hint]))

    @property
    def is_budget_exhausted(self) -> bool:
        """Whether the owner's spending limit ended the calls."""
        return isinstance(self.stop_error, BudgetExceededError)

    @property
    def is_unavailable(self) -> bool:
        """Whether the model could not be asked, or gave nothing usable."""
        return self.stop_error is not None and not self.is_budget_exhausted

    @property
    def cost_summary(self) -> str:
        """The cost of this stage, for a person."""
        if self.price is None:
            return "no price known, so no limit in USD holds"
        lost = f" and up to {self.budget.uncertain:.4f} for calls without an answer" if self.budget.uncertain else ""
        return f"{self.budget.spent:.4f} USD{lost}"

    async def complete(self, prompt: Prompt) -> tuple[Completion, int]:
        """Return a completion and the id of its call; raises BudgetExceededError or ModelUnavailableError."""
        section = self._context.config.model
        estimate = estimate_cost(prompt, self.price, section)
        call_id = await self._wait_and_reserve(prompt.stage, estimate)
        billed, may_be_billed = 0.0, False
        try:
            completion = await self.model.complete(prompt)
            billed = compute_cost(completion.usage, self.price, section.service_tier)
        except ModelUnavailableError as error:
            may_be_billed = error.may_be_billed
            self._record_failure(call_id, error)
            raise
        finally:
            self.budget.settle(estimate, billed, may_be_billed=may_be_billed)
            self._reservation_settled.set()
        self._consecutive_failures = 0
        self._record_completion(call_id, completion, billed)
        return completion, call_id

    async def _wait_and_reserve(self, stage: str, estimate: float) -> int:
        """Reserve the estimate; wait for the bills of calls under way if only they forbid it."""
        while True:
            try:
                return self._reserve_call(stage, estimate)
            except BudgetExceededError:
                if not self.budget.has_reservations:
                    raise
            self._reservation_settled.clear()
            await self._reservation_settled.wait()

    def _reserve_call(self, stage: str, estimate: float) -> int:
        """Record a call at its estimate before it is sent: it counts for every process, also when this one is killed."""
        with self._context.db.write() as session:
            month_spent = sum_spend_since(session, get_month_start(self._context.now))
            self.budget.reserve(estimate, month_spent)
            return save_llm_call(session, self._new_call(stage, usd=estimate))

    async def complete_batch(
        self, prompts: Sequence[Prompt], on_submitted: Callable[[BatchJobHandle], None]
    ) -> list[tuple[Completion, int] | None]:
        """Complete all prompts in one job where configuration and model allow it; None for those without an answer.

        `on_submitted` is called with the job before it is sent, and again with its name before the client waits for it.
        """
        section = self._context.config.model
        if not (section.batch and isinstance(self.model, BatchModel) and prompts):
            return [None] * len(prompts)
        estimate = sum(estimate_cost(prompt, self.price, section, "batch") for prompt in prompts)
        stage = prompts[0].stage
        handle = BatchJobHandle(f"digest-{secrets.token_hex(8)}", self._reserve_call(stage, estimate))
        try:
            on_submitted(handle)
            try:
                handle = handle._replace(name=await self.model.submit_batch(prompts, handle.batch_mark))
            except ModelUnavailableError as error:
                self._record_failure(handle.call_id, error)
                raise
            on_submitted(handle)
            return await self.collect_job(handle, stage, len(prompts))
        finally:
            self.budget.settle(estimate, 0.0)

    async def find_job(self, handle: BatchJobHandle) -> BatchJobHandle | None:
        """Add the name of a job where a run ended before it was recorded; None if the job never arrived."""
        if handle.name or not isinstance(self.model, BatchModel):
            return handle
        name = await self.model.find_batch(handle.batch_mark)
        if name is None:
            self._update_call(handle.call_id, state="failed", usd=0.0, response="the job was never sent")
        return handle._replace(name=name) if name else None

    async def collect_job(self, handle: BatchJobHandle, stage: str, count: int) -> list[tuple[Completion, int] | None]:
        """Collect the completions of a job of this run or of an interrupted one.

        Each is recorded as a call; the job's own record costs nothing from then on.
        """
        if not isinstance(self.model, BatchModel):
            return [None] * count
        self._context.progress.print_line(f"waiting for {count} calls in one batch job; it may take up to a day")
        completions = await self.model.collect_batch(handle.name, count)
        self._update_call(handle.call_id, state="ok", usd=0.0, response=handle.name)
        return [self._record_batch_completion(stage, completion) if completion else None for completion in completions]

    def _record_batch_completion(self, stage: str, completion: Completion) -> tuple[Completion, int]:
        usd = compute_cost(completion.usage, self.price, "batch")
        self.budget.settle(0.0, usd)
        with self._context.db.write() as session:
            call_id = save_llm_call(session, self._new_call(stage))
        self._record_completion(call_id, completion, usd)
        return completion, call_id

    async def map_concurrently(self, items: Sequence[T], handle: Callable[[T], Awaitable[None]], label: str) -> None:
        """Handle each item, several at a time, until the client stops."""
        gate = asyncio.Semaphore(self._context.config.model.parallel)
        with self._context.progress.task(label, len(items)) as advance:

            async def run(item: T) -> None:
                async with gate:
                    if self.stop_error is None:
                        await self._handle_safely(handle, item)
                    advance(1)

            await asyncio.gather(*(run(item) for item in items))

    async def _handle_safely(self, handle: Callable[[T], Awaitable[None]], item: T) -> None:
        """Handle an item; an unusable answer costs that answer, an exhausted budget or an unavailable model stops."""
        try:
            await handle(item)
            self._consecutive_unusable = 0
        except ModelOutputError as error:
            self._consecutive_unusable, self._last_unusable = self._consecutive_unusable + 1, error
            if self._consecutive_unusable >= _MAX_UNUSABLE:
                self.stop_error = error
        except BudgetExceededError as error:
            self.stop_error = error
        except ModelUnavailableError as error:
            self._consecutive_failures += 1
            if error.is_final or self._consecutive_failures >= _MAX_FAILURES:
                self.stop_error = error

    def _record_completion(self, call_id: int, completion: Completion, usd: float) -> None:
        self.call_count += 1
        if completion.model_version:
            self.model_versions.add(completion.model_version)
        usage = completion.usage
        self._update_call(
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

    def _record_failure(self, call_id: int, error: ModelUnavailableError) -> None:
        """Record a failed call, which costs nothing unless its answer may have been lost on the way."""
        outcome = {} if error.may_be_billed else {"state": "failed", "usd": 0.0}
        self._update_call(call_id, response=str(error), **outcome)

    def _update_call(self, call_id: int, **values: Any) -> None:
        with self._context.db.write() as session:
            update_llm_call(session, call_id, **values)

    def _new_call(self, stage: str, usd: float = 0.0) -> LLMCall:
        provider, _, model = self.model.name.partition(":")
        now = self._context.now
        return LLMCall(run_id=self._run_id, stage=stage, provider=provider, model=model, usd=usd, at=now)


def estimate_cost(prompt: Prompt, price: Price | None, section: ModelConfig, tier: str = "") -> float:
    """Return about the most USD that a call may cost: its text, and all the output and thought it is allowed."""
    tokens = sum(map(estimate_tokens, (prompt.system, prompt.user, str(prompt.schema))))
    usage = Usage(prompt=tokens, output=prompt.max_output_tokens + THINKING_TOKENS[section.thinking])
    return compute_cost(usage, price, tier or section.service_tier)
