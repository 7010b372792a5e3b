"""Asking again within one run, where a source is known to answer badly now and then."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from digest.errors import FetchError, ParseError, SourceError

T = TypeVar("T")
_FIRST_WAIT = 5.0
_LONGEST_WAIT = 300.0


async def patiently(
    attempt: Callable[[], Awaitable[T]],
    *,
    attempts: int,
    first_wait: float = _FIRST_WAIT,
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
            if not _may_pass(error) or wants_peace(error):
                raise
            await sleep(_wait(error, number, first_wait, jitter))
    return await attempt()


def wants_peace(error: SourceError) -> bool:
    """Whether the server asks for a longer wait than is taken within a run."""
    return isinstance(error, FetchError) and (error.retry_after or 0.0) > _LONGEST_WAIT


def _may_pass(error: SourceError) -> bool:
    if isinstance(error, FetchError):
        return error.status is None or error.status == 429 or error.status >= 500 or error.status < 300
    return isinstance(error, ParseError)


def _wait(error: SourceError, number: int, first_wait: float, jitter: Callable[[], float]) -> float:
    asked = error.retry_after if isinstance(error, FetchError) else None
    spread = min(first_wait * (1 << number), _LONGEST_WAIT) * jitter()
    return max(asked or 0.0, spread)
