"""Redirects that last: a permanent target is believed after three identical chains over at least three days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

_PERMANENT_STATUSES = frozenset({301, 308})
_MIN_OBSERVATIONS = 3
_MIN_OBSERVATION_TIME = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class RedirectObservation:
    """A permanent target seen, since when, how often in a row, and whether it is believed by now."""

    target: str | None = None
    since: datetime | None = None
    count: int = 0
    is_confirmed: bool = False


def find_permanent_target(start: str, hops: Sequence[tuple[int, str]]) -> str | None:
    """Where a chain of redirects leads for good: every hop permanent, never from https to http."""
    if not hops or any(status not in _PERMANENT_STATUSES for status, _ in hops):
        return None
    schemes = [urlsplit(url).scheme for url in (start, *(url for _, url in hops))]
    if any(pair == ("https", "http") for pair in pairwise(schemes)):
        return None
    return hops[-1][1]


def update_observation(previous: RedirectObservation, target: str | None, now: datetime) -> RedirectObservation:
    """The memory after one more good answer; another target, or none, starts over."""
    if target is None:
        return RedirectObservation()
    if target != previous.target or previous.since is None:
        return RedirectObservation(target, now, 1)
    count = previous.count + 1
    return RedirectObservation(
        target, previous.since, count, count >= _MIN_OBSERVATIONS and now - previous.since >= _MIN_OBSERVATION_TIME
    )
