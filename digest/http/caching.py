"""When to ask again, by a response's headers, the feed's polling hints and the number of errors."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_FRESHNESS = timedelta(hours=24)  # a feed that claims to be fresh for a year is misconfigured
MAX_RETRY_AFTER = timedelta(days=7)
_MAX_BACKOFF = timedelta(hours=72)
_JITTER = 0.1
_FIRST_BACKOFF = timedelta(hours=1)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def compute_next_check(
    now: datetime,
    interval: timedelta,
    headers: Mapping[str, str],
    *,
    ttl: int | None = None,
    skip_hours: frozenset[int] = frozenset(),
    skip_days: frozenset[str] = frozenset(),
    jitter: Callable[[], float] = random.random,
) -> datetime:
    """Compute the next request after a success: the longest of interval, ttl and HTTP freshness.

    `ttl` is in minutes; `jitter` gives 0..1 and adds up to a tenth, so that sources do not march in step.
    """
    requested = max(timedelta(minutes=min(max(ttl or 0, 0), 1e6)), parse_freshness(headers, now))
    wait = max(interval, min(requested, MAX_FRESHNESS))
    return _skip_closed_hours(now + wait * (1 + _JITTER * jitter()), skip_hours, skip_days)


def parse_freshness(headers: Mapping[str, str], now: datetime) -> timedelta:
    """Parse how long a response stays fresh: Cache-Control beats Expires, no-cache beats max-age (RFC 9111, 5.2)."""
    control = headers.get("cache-control", "").lower()
    if re.search(r"\bno-(cache|store)\b", control):
        return timedelta()
    if match := re.search(r"(?<![\w-])max-age\s*=\s*\"?(\d{1,9})", control):
        age = re.fullmatch(r"\s*(\d{1,9})\s*", headers.get("age", ""))
        return timedelta(seconds=max(int(match[1]) - int(age[1] if age else 0), 0))
    expires = parse_http_date(headers.get("expires", ""))
    served = parse_http_date(headers.get("date", "")) or now
    return max(expires - served, timedelta()) if expires else timedelta()


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Parse the seconds a server asks to wait, capped, by the server's clock; None for garbage and the past."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,12}", value):
        seconds = float(value)
    elif moment := parse_http_date(value):
        seconds = (moment - (parse_http_date(headers.get("date", "")) or now)).total_seconds()
    else:
        return None
    return min(seconds, MAX_RETRY_AFTER.total_seconds()) if seconds > 0 else None


def compute_backoff(
    now: datetime, errors: int, *, retry_after: float | None = None, jitter: Callable[[], float] = random.random
) -> datetime:
    """Compute the next attempt after `errors` failures in a row: an hour, doubled up to three days."""
    wait = min(_FIRST_BACKOFF * (1 << min(max(errors, 1) - 1, 16)), _MAX_BACKOFF) * (0.75 + 0.5 * jitter())
    return now + max(wait, timedelta(seconds=retry_after or 0) * (1 + _JITTER * jitter()))


def parse_http_date(text: str) -> datetime | None:
    """Parse an HTTP date as aware UTC; None when it is not one."""
    try:
        moment = parsedate_to_datetime(text)
        # "-0000" gives a naive value, and HTTP dates are always GMT (RFC 9110, 5.6.7).
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _skip_closed_hours(moment: datetime, hours: frozenset[int], days: frozenset[str]) -> datetime:
    """Find the first moment in an hour (GMT) and on a day that the feed does not skip."""
    closed_days = {day.strip().lower() for day in days}
    for hour in range(24 * 8):
        start = moment if not hour else (moment + timedelta(hours=hour)).replace(minute=0, second=0, microsecond=0)
        if start.hour not in hours and _DAYS[start.weekday()] not in closed_days:
            return start
    return moment  # a feed that skips every hour of the week asks for nothing
