"""How often something may happen: each client's wrong links and sign-ups of late, kept in memory only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_CLIENTS = 10_000


class Limit:
    """At most `most` times `within` seconds for each client; the client longest known is forgotten first."""

    def __init__(self, most: int, within: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self.within, self._clock = most, within, clock
        self._counted: dict[str, deque[float]] = {}

    def reached(self, client: str) -> bool:
        counted = self._counted.get(client, deque[float]())
        while counted and counted[0] < self._clock() - self.within:
            counted.popleft()
        return len(counted) >= self._most

    def count(self, client: str) -> None:
        if client not in self._counted and len(self._counted) >= _CLIENTS:
            self._counted.pop(next(iter(self._counted)))
        self._counted.setdefault(client, deque(maxlen=self._most)).append(self._clock())
