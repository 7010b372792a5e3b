"""Politeness: how many requests at once, in all and to one site; one at a time with pauses where a site asks so."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from digest.urls import site

IN_ALL = 20
PER_SITE = 2
# https://info.arxiv.org/help/api/tou.html: one request every 3 seconds, one connection, over all machines together.
PAUSED = {"arxiv.org": 3.0}
_SLACK = 30.0  # seconds a claim outlives the request's own deadline


class Turns(Protocol):
    """Claims on a site that hold across processes."""

    def claim(self, site: str, seconds: float) -> float:
        """Take the site for at most `seconds`; 0 when it is ours, else how many seconds to wait before asking again."""

    def release(self, site: str, pause: float) -> None:
        """Give the site back; nobody's next claim succeeds before `pause` seconds are over."""


class OwnTurns:
    """Turns within this process alone, for where there is no database."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}

    def claim(self, site: str, seconds: float) -> float:
        wait = self._free_at.get(site, 0.0) - time.monotonic()
        if wait > 0:
            return wait
        self._free_at[site] = time.monotonic() + seconds
        return 0.0

    def release(self, site: str, pause: float) -> None:
        self._free_at[site] = time.monotonic() + pause


class Pacer:
    """Slots for requests: `total` at once, `per_site` to one site, and for `paused` sites one with a pause after it."""

    def __init__(
        self,
        *,
        total: int = IN_ALL,
        per_site: int = PER_SITE,
        paused: Mapping[str, float] = PAUSED,
        turns: Turns | None = None,
    ) -> None:
        self._total = asyncio.Semaphore(total)
        self._sites: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(per_site))
        self._single: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._paused = dict(paused)
        self._turns = turns or OwnTurns()

    @asynccontextmanager
    async def slot(self, url: str, seconds: float, pause: float = 0.0) -> AsyncIterator[None]:
        """Wait for a place for one request to `url` that takes at most `seconds`, and hold it.

        `pause` lengthens the pause of a site that has one.
        """
        name = site(url)
        if name in self._paused:
            async with self._single[name], self._turn(name, seconds, max(pause, self._paused[name])), self._total:
                yield
        else:
            # The site first: a queue for one slow site must not hold places that others could use.
            async with self._sites[name], self._total:
                yield

    @asynccontextmanager
    async def _turn(self, name: str, seconds: float, pause: float) -> AsyncIterator[None]:
        while wait := await asyncio.to_thread(self._turns.claim, name, seconds + _SLACK):
            await asyncio.sleep(wait)
        try:
            yield
        finally:
            await asyncio.to_thread(self._turns.release, name, pause)
