"""Which days of a month an arXiv source was read for, and reading those that are missing.

A fetch at t reads the papers submitted since the fetch before it, at most `days` back. What no fetch and no backfill
covers is missing: a draft of such a month would look whole and is not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context
from digest.db.runs import load_successful_fetch_times
from digest.db.sources import load_checkpoint, load_source_states
from digest.ingest.backfill import backfill_arxiv
from digest.ingest.fetch import fetch_sources
from digest.periods import Period
from digest.protocols import Report
from digest.text import format_count

_DAY = timedelta(days=1)
_COVERED_KINDS = ("arxiv", "arxiv-oai")


def list_missing_days(
    fetch_times: Sequence[datetime], reach: timedelta, read_days: Collection[str], month: Period, now: datetime
) -> list[date]:
    """List the days of a month that ended before `now` and were read neither by a fetch nor by a backfill.

    `fetch_times` are the successful fetches, oldest first; each reaches back to the one before, at most by `reach`.
    """
    spans = [
        (max(earlier, time - reach) if earlier else time - reach, time)
        for earlier, time in zip([None, *fetch_times], fetch_times, strict=False)
    ]
    missing = []
    start = month.start()
    while start + _DAY <= min(month.end(), now):
        covered = start
        for first, last in spans:
            if first <= covered < last:
                covered = last
        if covered < start + _DAY and f"{start:%Y-%m-%d}" not in read_days:
            missing.append(start.date())
        start += _DAY
    return missing


def find_missing_days(context: Context, period: Period) -> dict[str, list[date]]:
    """Map each enabled arXiv source to the days of the period that were not read; complete sources are left out."""
    with context.db.read() as session:
        return load_missing_days(context, session, period)


def load_missing_days(
    context: Context, session: Session, period: Period, *, of_active_sources: bool = False
) -> dict[str, list[date]]:
    """Load the missing days as `find_missing_days` does.

    With `of_active_sources`, a source that was never read is left out too: its papers come from files.
    """
    missing = {}
    for source in _list_arxiv_sources(context):
        times = load_successful_fetch_times(session, source.id)
        days: list[date] = []
        is_active = bool(times)
        for month in period.months():
            checkpoint = load_checkpoint(session, f"backfill:{source.id}:{month.name}")
            is_active = is_active or bool(checkpoint)
            is_current = checkpoint.get("categories") == sorted(source.categories)
            if is_current and checkpoint.get("complete"):
                continue
            read_days = checkpoint.get("days", {}) if is_current else {}
            days += list_missing_days(times, timedelta(days=source.days), read_days, month, context.now)
        if days and (is_active or not of_active_sources):
            missing[source.id] = days
    return missing


def complete_period(context: Context, period: Period) -> tuple[list[Report], dict[str, list[date]]]:
    """Read what is missing of a period; return the reports, and the days by source that stay unread.

    Sources that were last fetched before the period ended are fetched; then the months of what is still missing are
    backfilled. A source that failed in its last fetch is not asked again now. Days that a backfill read and that may
    still grow count as read.
    """
    reports = []
    if late := [source_id for source_id, days in find_missing_days(context, period).items() if _is_tail(days, period)]:
        reports.append(run_sync(fetch_sources(context, late, force=True)))
    unread = find_missing_days(context, period)
    with context.db.read() as session:
        states = load_source_states(session, list(unread))
    for source_id in [name for name in unread if (state := states.get(name)) is None or not state.errors]:
        report = run_sync(backfill_arxiv(context, period, source_id))
        reports.append(report)
        if report.state == "done":
            del unread[source_id]
    return reports, {name: days for name, days in find_missing_days(context, period).items() if name in unread}


def describe_missing_days(missing: dict[str, list[date]], period: Period) -> list[str]:
    """Say of each source which days of the period were not read, and the command that reads them."""
    return [
        f"{source_id}: {_format_days(days)} of {period} {'was' if len(days) == 1 else 'were'} not read"
        f" (`digest backfill {period}` reads what is missing)"
        for source_id, days in missing.items()
    ]


def _list_arxiv_sources(context: Context) -> list[Source]:
    return [source for source in context.config.sources if source.enabled and source.kind in _COVERED_KINDS]


def _is_tail(days: Sequence[date], period: Period) -> bool:
    """Whether the missing days are the period's last ones, which an ordinary fetch reads."""
    last = (period.end() - _DAY).date()
    return days[-1] == last and (last - days[0]).days == len(days) - 1 and len(days) <= 2


def _format_days(days: Sequence[date]) -> str:
    """Format `3 days (2026-05-01 to 2026-05-03)`, gaps left out."""
    if len(days) == 1:
        return str(days[0])
    is_span = (days[-1] - days[0]).days == len(days) - 1
    between = f"{days[0]} to {days[-1]}" if is_span else f"{days[0]}, …, {days[-1]}"
    return f"{format_count(len(days), 'day')} ({between})"
