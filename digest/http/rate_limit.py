"""Limit requests at a time, in all and to one site, with pauses for sites that ask for them."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from digest.urls.canonical import extract_site

MAX_REQUESTS = 20
MAX_REQUESTS_PER_SITE = 2
# https://info.arxiv.org/help/api/tou.html: one request every 3 seconds, one connection, over all machines together.
SITE_PAUSES = {"arxiv.org": 3.0}
_CLAIM_MARGIN_SECONDS = 30.0  # seconds a claim outlives the request's own deadline


class HostLock(Protocol):
    """Claims on a site that hold across processes."""

    def claim(self, site: str, seconds: float) -> float:
        """Take the site for at most `seconds`; return 0, or the seconds to wait before the next attempt."""

    def release(self, site: str, pause: float) -> None:
        """Release the site; no claim succeeds before `pause` seconds have passed."""


class InProcessHostLock:
    """A HostLock within this process, where there is no database."""

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


class RateLimiter:
    """Slots for requests, in all and per site; sites in `site_pauses` get one at a time with a pause after it."""

    def __init__(
        self,
        *,
        max_requests: int = MAX_REQUESTS,
        max_requests_per_site: int = MAX_REQUESTS_PER_SITE,
        site_pauses: Mapping[str, float] = SITE_PAUSES,
        host_lock: HostLock | None = None,
    ) -> None:
        self._request_slots = asyncio.Semaphore(max_requests)
        self._site_slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(max_requests_per_site))
        self._site_locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._site_pauses = dict(site_pauses)
        self._host_lock = host_lock or InProcessHostLock()

    @asynccontextmanager
    async def acquire(self, url: str, seconds: float, min_pause: float = 0.0) -> AsyncIterator[None]:
        """Wait for a slot for a request of at most `seconds`, and hold it. `min_pause` lengthens a site's pause."""
        name = extract_site(url)
        if name in self._site_pauses:
            pause = max(min_pause, self._site_pauses[name])
            async with self._site_locks[name], self._hold_site(name, seconds, pause), self._request_slots:
                yield
        else:
            # The site first: requests that wait for a slow site must not hold slots that others could use.
            async with self._site_slots[name], self._request_slots:
                yield

    @asynccontextmanager
    async def _hold_site(self, name: str, seconds: float, pause: float) -> AsyncIterator[None]:
        while wait := await asyncio.to_thread(self._host_lock.claim, name, seconds + _CLAIM_MARGIN_SECONDS):
            await asyncio.sleep(wait)
        try:
            yield
        finally:
            await asyncio.to_thread(self._host_lock.release, name, pause)
