"""Asks again when that may help: as long as the server says, else with growing, jittered pauses, a few times."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from digest.errors import ModelUnavailableError

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
MAX_ATTEMPTS = 4
_TRANSIENT_STATUSES = frozenset({408, 425, 429})
MAX_WAIT_SECONDS = 120.0  # seconds; a server that asks for more is not waited for


def is_transient_status(status: int) -> bool:
    """Whether an HTTP status tells of something that may be over when asked again."""
    return status in _TRANSIENT_STATUSES or status >= 500


async def retry_model_call(
    call: Callable[[], Awaitable[T]], sleep: Sleep = asyncio.sleep, *, at_most_once: bool = False
) -> T:
    """The answer of `ask`, tried up to four times; the last ModelUnavailable, or a final one, goes through.

    What must reach the server `once` alone is not tried again where it may have arrived.
    """
    for attempt in range(MAX_ATTEMPTS):
        try:
            return await call()
        except ModelUnavailableError as error:
            pause = _compute_pause(attempt, error.retry_after)
            if (
                error.is_final
                or (at_most_once and error.may_be_billed)
                or attempt == MAX_ATTEMPTS - 1
                or pause > MAX_WAIT_SECONDS
            ):
                raise
            await sleep(pause)
    raise AssertionError("the loop above returns or raises")


def _compute_pause(attempt: int, retry_after: float | None) -> float:
    """Full jitter over 1, 2, 4 ... seconds, or what the server asked for and up to a second more."""
    dice = random.random()  # noqa: S311  spreads load, guards nothing
    return dice * 2.0**attempt if retry_after is None else retry_after + dice
