"""Asking again: only what may pass by itself, as long as the server asks, longer each time."""

from __future__ import annotations

import pytest

from digest.errors import FetchError, ParseError, SourceError
from digest.http.retry import retry_fetch


class Attempts:
    """Fails with each error in turn, then succeeds; `waits` are the pauses taken."""

    def __init__(self, *errors: SourceError) -> None:
        self.errors = list(errors)
        self.waits: list[float] = []

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def run(self, attempts: int = 4) -> str:
        return await retry_fetch(self, attempts=attempts, first_wait=1, jitter=lambda: 0.5, sleep=self.sleep)


@pytest.mark.parametrize(
    "error",
    [
        FetchError("no connection"),
        FetchError("slow down", status=429),
        FetchError("first byte timeout", status=503),
        FetchError("broke off", status=200),
        ParseError("HTML instead of Atom"),
    ],
)
async def test_what_may_pass_is_tried_again(error: SourceError) -> None:
    attempts = Attempts(error, error)
    assert await attempts.run() == "done"
    assert attempts.waits == [1.0, 2.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    attempts = Attempts(FetchError("no", status=status))
    with pytest.raises(FetchError):
        await attempts.run()
    assert attempts.waits == []


async def test_the_last_error_is_told_when_attempts_run_out() -> None:
    attempts = Attempts(*(ParseError(str(n)) for n in range(4)))
    with pytest.raises(ParseError, match="3"):
        await attempts.run()
    assert attempts.waits == [1.0, 2.0, 4.0]


async def test_the_server_is_given_the_time_it_asks_for() -> None:
    attempts = Attempts(FetchError("", status=429, retry_after=30), FetchError("", status=503, retry_after=300))
    assert await attempts.run() == "done"
    assert attempts.waits == [30.0, 300.0]


async def test_a_wait_too_long_for_a_run_is_left_to_the_schedule_and_not_cut_short() -> None:
    attempts = Attempts(FetchError("come back", status=429, retry_after=3600))
    with pytest.raises(FetchError, match="come back"):
        await attempts.run()
    assert attempts.waits == []
