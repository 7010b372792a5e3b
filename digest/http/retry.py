"""Retry flaky sources within one run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from digest.errors import FetchError, HostPausedError, ParseError

T = TypeVar("T")
_MAX_WAIT_SECONDS = 300.0


async def retry_fetch(
    attempt: Callable[[], Awaitable[T]],
    *,
    attempts: int,
    first_wait: float = 5.0,
    jitter: Callable[[], float] = random.random,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Try up to `attempts` times, waiting as the server asks or exponentially longer with full jitter.

    Retries failed connections, 429, 5xx and responses that cannot be parsed. If Retry-After exceeds the limit of a run,
    the error is raised, so that the schedule can postpone the source.
    """

    def compute_wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        requested = (error.retry_after or 0.0) if isinstance(error, FetchError) else 0.0
        return max(requested, min(first_wait * 2.0**state.attempt_number, _MAX_WAIT_SECONDS) * jitter())

    async def run() -> T:  # tenacity awaits coroutine functions only
        return await attempt()

    retrying = AsyncRetrying(
        stop=stop_after_attempt(attempts),
        wait=compute_wait,
        retry=retry_if_exception(_should_retry),
        sleep=sleep,
        reraise=True,
    )
    return await retrying(run)


def is_retry_after_too_long(error: BaseException) -> bool:
    """Whether the server asks for a longer wait than a run takes."""
    return isinstance(error, FetchError) and (error.retry_after or 0.0) > _MAX_WAIT_SECONDS


def _should_retry(error: BaseException) -> bool:
    if isinstance(error, HostPausedError):
        return False
    if isinstance(error, FetchError):
        is_transient = error.status is None or error.status == 429 or not 300 <= error.status < 500
        return is_transient and not is_retry_after_too_long(error)
    return isinstance(error, ParseError)
