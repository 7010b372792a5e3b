"""Which sources have been quiet for longer than they usually are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlmodel import Session

from digest.context import Context
from digest.db.runs import load_active_days, load_last_active_times
from digest.db.sources import load_source_states
from digest.periods import Period

MIN_STALE = timedelta(days=7)  # a source that was active since then is not stale, whatever its history
_MIN_ACTIVE_DAYS = 6  # fewer days with new items show no habit
_STALE_FACTOR = 3
_MAX_SHOWN = 5  # quiet sources that are named


def measure_stale_time(active_days: Sequence[datetime], now: datetime) -> timedelta | None:
    """Return the time since the last active day if it is three times the usual pause, else None.

    `active_days` are in order; the usual pause is the ninetieth percentile of the gaps between them. Each source is
    compared with its own history, because some publish hourly and some twice a year.
    """
    if len(active_days) < _MIN_ACTIVE_DAYS:
        return None
    gaps = sorted(later - earlier for earlier, later in pairwise(active_days))
    usual_gap = gaps[int(0.9 * (len(gaps) - 1))]
    pause = now - active_days[-1]
    return pause if pause > max(_STALE_FACTOR * usual_gap, MIN_STALE) else None


def find_stale_sources(context: Context, session: Session) -> dict[str, timedelta]:
    """Return the enabled sources that were stale when they were last checked, and for how long.

    The last check counts, not today: a machine that was off for months finds no source stale.
    """
    return measure_stale_times(session, _query_active_days(context, session))


def find_sources_stale_at_end(context: Context, session: Session, period: Period) -> dict[str, timedelta]:
    """Return the enabled sources that were stale when a period ended, and for how long by then.

    What a source published since does not count, and neither does the time that went by.
    """
    end = period.end(context.zone)
    if context.now <= end:
        return find_stale_sources(context, session)
    ids = [source.id for source in context.config.sources if source.enabled]
    days = {name: moments for name, moments in load_active_days(session, ids, until=end).items() if moments}
    times = {name: measure_stale_time(moments, end) for name, moments in days.items()}
    return {name: time for name, time in times.items() if time}


def describe_stale_sources(context: Context, stale: Mapping[str, timedelta], period: Period) -> list[str]:
    """Say in one line which sources were quiet, those that were so for longest first; nothing without any."""
    if not stale:
        return []
    named = sorted(stale.items(), key=lambda pair: (-pair[1], pair[0]))
    labels = {source.id: source.label for source in context.config.sources}
    shown = ", ".join(f"{labels.get(name, name)} for {time.days} days" for name, time in named[:_MAX_SHOWN])
    more = f", and {len(named) - _MAX_SHOWN} more" if len(named) > _MAX_SHOWN else ""
    count = "1 source was" if len(named) == 1 else f"{len(named)} sources were"
    return [f"{count} quieter than usual at the end of {period}: {shown}{more}"]


def load_active_days_of_sources(context: Context, names: Collection[str] | None = None) -> dict[str, list[datetime]]:
    """Load the active days in a session of its own.

    The query takes as long as many requests, so a fetch runs it meanwhile, and again for the sources that changed.
    """
    with context.db.read() as session:
        return _query_active_days(context, session, names)


def _query_active_days(
    context: Context, session: Session, names: Collection[str] | None = None
) -> dict[str, list[datetime]]:
    """Load the active days of the enabled sources, or the named ones; none where the last week had one."""
    ids = [each.id for each in context.config.sources if each.enabled and (names is None or each.id in names)]
    last_active = load_last_active_times(session, ids)
    quiet = [name for name, moment in last_active.items() if context.now - moment > MIN_STALE]
    return {name: [] for name in ids} | load_active_days(session, quiet)


def measure_stale_times(session: Session, active_days: Mapping[str, Sequence[datetime]]) -> dict[str, timedelta]:
    """Measure for each source how long it was stale at its last check, from its active days; others are left out."""
    states = load_source_states(session, [name for name, moments in active_days.items() if moments])
    checked = {name: state.last_checked for name, state in states.items() if state.last_checked}
    times = {name: measure_stale_time(active_days[name], moment) for name, moment in checked.items()}
    return {name: time for name, time in times.items() if time}
