"""Retry transient model errors with exponential back-off, honouring Retry-After."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from digest.errors import ModelUnavailableError

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
MAX_ATTEMPTS = 4
MAX_WAIT_SECONDS = 120.0


def is_transient_status(status: int) -> bool:
    """Whether a request with this HTTP status may succeed later."""
    return status in (408, 425, 429) or status >= 500


async def retry_model_call(
    call: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep, *, at_most_once: bool = False
) -> T:
    """Call up to four times; raise the last ModelUnavailableError, or one that is final or asks for too long a wait.

    With `at_most_once` a call that may have reached the server is not repeated.
    """

    def should_retry(error: BaseException) -> bool:
        if not isinstance(error, ModelUnavailableError) or error.is_final:
            return False
        return not (at_most_once and error.may_be_billed) and (error.retry_after or 0.0) <= MAX_WAIT_SECONDS

    async def run() -> T:  # tenacity awaits coroutine functions only
        return await call()

    retrying = AsyncRetrying(
        stop=stop_after_attempt(MAX_ATTEMPTS),
        wait=_compute_wait,
        retry=retry_if_exception(should_retry),
        sleep=sleep,
        reraise=True,
    )
    return await retrying(run)


def _compute_wait(state: RetryCallState) -> float:
    """Full jitter over 1, 2, 4 ... seconds, or what the server asked for and up to a second more."""
    error = state.outcome.exception() if state.outcome else None
    requested = error.retry_after if isinstance(error, ModelUnavailableError) else None
    jitter = random.random()  # noqa: S311  spreads load, guards nothing
    return jitter * 2.0 ** (state.attempt_number - 1) if requested is None else requested + jitter
