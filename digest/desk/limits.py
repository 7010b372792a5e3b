"""How often something may happen: each client's wrong links and sign-ups of late, kept in memory only."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_MAX_CLIENTS = 10_000


class ClientLimit:
    """At most `most` times `within` seconds for each client; the client longest known is forgotten first."""

    def __init__(self, max_events: int, window_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_events, self.window_seconds, self._clock = max_events, window_seconds, clock
        self._events: dict[str, deque[float]] = {}

    def is_reached(self, client: str) -> bool:
        counted = self._events.get(client, deque[float]())
        while counted and counted[0] < self._clock() - self.window_seconds:
            counted.popleft()
        return len(counted) >= self._max_events

    def record_event(self, client: str) -> None:
        if client not in self._events and len(self._events) >= _MAX_CLIENTS:
            self._events.pop(next(iter(self._events)))
        self._events.setdefault(client, deque(maxlen=self._max_events)).append(self._clock())
