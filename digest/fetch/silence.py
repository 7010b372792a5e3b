"""Has a source gone silent? Judged against its own history, because some publish hourly and some twice a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

_MIN_ACTIVE_DAYS = 6  # days on which something came; fewer tell nothing of a habit
_STALE_FACTOR = 3
MIN_STALE = timedelta(days=7)  # of quiet; a source that was active since then is not silent, whatever its habit


def stale_for(active_days: Sequence[datetime], now: datetime) -> timedelta | None:
    """How long a source has been silent, when that is three times its longest usual pause; else None.

    `days` are the moments of its active days, in order; the usual pause is the ninetieth percentile of the gaps.
    """
    if len(active_days) < _MIN_ACTIVE_DAYS:
        return None
    gaps = sorted(later - earlier for earlier, later in pairwise(active_days))
    usual = gaps[int(0.9 * (len(gaps) - 1))]
    quiet = now - active_days[-1]
    return quiet if quiet > max(_STALE_FACTOR * usual, MIN_STALE) else None
