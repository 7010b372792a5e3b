"""Asks again when that may help: as long as the server says, else with growing, jittered pauses, a few times."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from digest.errors import ModelUnavailable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
ATTEMPTS = 4
_PASSING = frozenset({408, 425, 429})
LONGEST_WAIT = 120.0  # seconds; a server that asks for more is not waited for


def may_pass(status: int) -> bool:
    """Whether an HTTP status tells of something that may be over when asked again."""
    return status in _PASSING or status >= 500


async def persistently(ask: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep, *, once: bool = False) -> T:
    """The answer of `ask`, tried up to four times; the last ModelUnavailable, or a final one, goes through.

    What must reach the server `once` alone is not tried again where it may have arrived.
    """
    for attempt in range(ATTEMPTS):
        try:
            return await ask()
        except ModelUnavailable as error:
            pause = _pause(attempt, error.retry_after)
            if error.final or (once and error.in_doubt) or attempt == ATTEMPTS - 1 or pause > LONGEST_WAIT:
                raise
            await sleep(pause)
    raise AssertionError("the loop above returns or raises")


def _pause(attempt: int, asked: float | None) -> float:
    """Full jitter over 1, 2, 4 ... seconds, or what the server asked for and up to a second more."""
    dice = random.random()  # noqa: S311  spreads load, guards nothing
    return dice * 2.0**attempt if asked is None else asked + dice
