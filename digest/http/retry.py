"""Asking again within one run, where a source is known to answer badly now and then."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from digest.errors import FetchError, ParseError, SourceError

T = TypeVar("T")
_FIRST_WAIT_SECONDS = 5.0
_MAX_WAIT_SECONDS = 300.0


async def retry_fetch(
    attempt: Callable[[], Awaitable[T]],
    *,
    attempts: int,
    first_wait: float = _FIRST_WAIT_SECONDS,
    jitter: Callable[[], float] = random.random,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Try up to `attempts` times; between them wait as the server asks, or longer each time with full jitter.

    Only what may pass by itself is tried again: no connection, 429, 5xx, and an answer that is not what it should be.
    Who asks for a longer wait than a run can give gets it: the error is raised, for the schedule to honour.
    """
    for number in range(1, attempts):
        try:
            return await attempt()
        except SourceError as error:
            if not _is_transient(error) or is_retry_after_too_long(error):
                raise
            await sleep(_compute_wait(error, number, first_wait, jitter))
    return await attempt()


def is_retry_after_too_long(error: SourceError) -> bool:
    """Whether the server asks for a longer wait than is taken within a run."""
    return isinstance(error, FetchError) and (error.retry_after or 0.0) > _MAX_WAIT_SECONDS


def _is_transient(error: SourceError) -> bool:
    if isinstance(error, FetchError):
        return error.status is None or error.status == 429 or error.status >= 500 or error.status < 300
    return isinstance(error, ParseError)


def _compute_wait(error: SourceError, number: int, first_wait: float, jitter: Callable[[], float]) -> float:
    asked = error.retry_after if isinstance(error, FetchError) else None
    spread = min(first_wait * (1 << number), _MAX_WAIT_SECONDS) * jitter()
    return max(asked or 0.0, spread)
