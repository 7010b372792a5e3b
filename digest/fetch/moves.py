"""Redirects that last: a permanent target is believed after three identical chains over at least three days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from urllib.parse import urlsplit

_PERMANENT = frozenset({301, 308})
_TIMES = 3
_SPAN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Move:
    """A permanent target seen, since when, how often in a row, and whether it is believed by now."""

    to: str | None = None
    since: datetime | None = None
    count: int = 0
    believed: bool = False


def permanent_target(start: str, hops: Sequence[tuple[int, str]]) -> str | None:
    """Where a chain of redirects leads for good: every hop permanent, never from https to http."""
    if not hops or any(status not in _PERMANENT for status, _ in hops):
        return None
    schemes = [urlsplit(url).scheme for url in (start, *(url for _, url in hops))]
    if any(pair == ("https", "http") for pair in pairwise(schemes)):
        return None
    return hops[-1][1]


def observe(known: Move, target: str | None, now: datetime) -> Move:
    """The memory after one more good answer; another target, or none, starts over."""
    if target is None:
        return Move()
    if target != known.to or known.since is None:
        return Move(target, now, 1)
    count = known.count + 1
    return Move(target, known.since, count, count >= _TIMES and now - known.since >= _SPAN)
