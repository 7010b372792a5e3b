"""Stage `fetch`: due sources, summary.

The fetch stage: ask each due source, read its answer in a worker, take its items in, keep state and count.

Has a source gone silent? Judged against its own history, because some publish hourly and some twice a year.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import datetime, timedelta
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from digest.config.schema import Config, Source
from digest.context import Context, record_run
from digest.db.locks import claim_work
from digest.db.runs import load_active_days, load_last_active_times
from digest.db.sources import claim_due_sources, load_source_states, release_sources
from digest.errors import NotFoundError, StoreError
from digest.ingest.parser import preload_parser_modules
from digest.ingest.parser_process import ParserPool
from digest.ingest.source_fetch import FetchServices, SourceFetch
from digest.ingest.source_state import is_parse_required
from digest.ingest.writer import BatchWriter
from digest.models.items import FetchState
from digest.models.runs import SourceResult
from digest.protocols import Report

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


_MAX_CONCURRENT_FETCHES = (
    160  # sources under way at once; the fetcher's own limit is on requests, the others are read and stored
)
_MAX_CLAIM = timedelta(hours=1)  # what a claim puts the next check off by, should the process die before the answer
_SHOWN_OUTCOMES = ("new", "revised", "unchanged", "duplicate", "rejected", "failed")


async def fetch_sources(context: Context, names: Sequence[str] = (), *, force: bool = False) -> Report:
    """Fetch the sources that are due, or those named; `force` asks also those that are not due.

    One source's failure is in the report and its count, and the run goes on. Raises NotFoundError for a name that no
    source has. May be stopped at any moment: each source's items, state and count are stored in one transaction.
    """
    sources = select_sources(context.config, names)
    with record_run(context, "fetch") as report, claim_work(context.db, "fetch", context.now) as only:
        states = claim_sources(context, sources, force=force, resume=only)
        async with (
            aclosing(context.make_fetcher()) as fetcher,
            ParserPool() as workers,
            BatchWriter(context.db) as keeper,
        ):
            if any(map(is_parse_required, states.values())):
                workers.prestart(preload_parser_modules)  # a process takes as long to start as many answers to read
            tools = FetchServices(context, fetcher, workers, keeper, report.run_id or 0)
            visits = [SourceFetch(tools, source, states[source.id]) for source in sources if source.id in states]
            with context.progress.task("fetch", len(visits)) as step, _release_on_stop(context, states.values()):
                gathering = asyncio.create_task(asyncio.to_thread(_load_active_days, context))
                counts = await _run_fetches(visits, step)
                quiet = await gathering
        shown = [count.source_id for count in counts if count.new or count.revised or count.duplicate]
        quiet |= _load_active_days(context, shown)
        _summarise_fetch(report, counts, len(sources) - len(visits), _measure_stale_times(context, quiet))
    return report


def select_sources(config: Config, names: Sequence[str]) -> list[Source]:
    """The enabled sources, or those named, enabled or not."""
    if not names:
        return [source for source in config.sources if source.enabled]
    known = {source.id: source for source in config.sources}
    if missing := [name for name in names if name not in known]:
        near = get_close_matches(missing[0], known, 1, 0.7)
        raise NotFoundError(
            f"no source {missing[0]!r}", f"did you mean {near[0]!r}?" if near else "`digest sources list` names them"
        )
    return [known[name] for name in dict.fromkeys(names)]


def claim_sources(context: Context, sources: Sequence[Source], *, force: bool, resume: bool) -> dict[str, FetchState]:
    """The states of those sources that are due, each put off in one transaction before any of them is asked."""
    wanted = {
        source.id: (source.url or "", min(_MAX_CLAIM, timedelta(hours=source.interval_hours))) for source in sources
    }
    with context.db.write() as session:
        return claim_due_sources(session, wanted, context.now, force=force, resume=resume)


def find_stale_sources(context: Context) -> dict[str, timedelta]:
    """The enabled sources that had gone silent against their own history when they were last asked, and for how long.

    What nobody asked for says nothing: a machine that was off for months finds no source silent.
    """
    return _measure_stale_times(context, _load_active_days(context))


def _load_active_days(context: Context, names: Collection[str] | None = None) -> dict[str, list[datetime]]:
    """The active days of the enabled sources, or of those named: none where the last week had one.

    To gather them takes as long as many requests: a fetch does it meanwhile, and anew for what showed something.
    """
    asked = [each.id for each in context.config.sources if each.enabled and (names is None or each.id in names)]
    with context.db.read() as session:
        last = load_last_active_times(session, asked)
        quiet = [name for name, moment in last.items() if context.now - moment > MIN_STALE]
        return {name: [] for name in asked} | load_active_days(session, quiet)


def _measure_stale_times(context: Context, days: Mapping[str, Sequence[datetime]]) -> dict[str, timedelta]:
    with context.db.read() as session:
        states = load_source_states(session, [name for name, moments in days.items() if moments])
    asked = {name: state.last_checked for name, state in states.items() if state.last_checked}
    lengths = {name: stale_for(days[name], moment) for name, moment in asked.items()}
    return {source_id: length for source_id, length in lengths.items() if length}


@contextmanager
def _release_on_stop(context: Context, states: Iterable[FetchState]) -> Iterator[None]:
    """Give the claims back that a stop leaves open, so that the next run goes on with just these sources."""
    try:
        yield
    except (asyncio.CancelledError, KeyboardInterrupt):
        with suppress(StoreError), context.db.write() as session:  # a disk that is full is the error to tell
            release_sources(session, states)
        raise


async def _run_fetches(source_fetches: Iterable[SourceFetch], step: Callable[[int], None]) -> list[SourceResult]:
    """Make the visits, a few at once; the first unexpected error, or a stop, ends all of them."""
    places = asyncio.Semaphore(_MAX_CONCURRENT_FETCHES)

    async def make(visit: SourceFetch) -> SourceResult:
        async with places:
            count = await visit.run()
        step(1)
        return count

    return await _gather_or_cancel([make(visit) for visit in source_fetches])


async def _gather_or_cancel(work: Sequence[Coroutine[Any, Any, SourceResult]]) -> list[SourceResult]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return [await task for task in tasks]
    finally:
        left = [task for task in tasks if not task.done() and task.cancel()]
        await asyncio.gather(*left, return_exceptions=True)


def _summarise_fetch(
    report: Report, results: Sequence[SourceResult], not_due: int, stale: dict[str, timedelta]
) -> None:
    """Fill the report: one line, the sums, and what went wrong at which source."""
    failed = [count for count in results if count.state in ("failed", "partial")]
    sums = Counter(
        {word: sum(getattr(count, word) for count in results) for word in ("found", *_SHOWN_OUTCOMES, "bytes")}
    )
    report.state = "done" if not failed else "failed" if all(c.state == "failed" for c in results) else "partial"
    report.numbers = {
        "sources": len(results),
        "unmodified": sum(count.state == "unmodified" for count in results),
        "not_due": not_due,
        "sources_failed": len(failed),
        "warnings": {c.source_id: c.error for c in results if c.error and c not in failed},
        "silent": {source_id: length.days for source_id, length in sorted(stale.items())},
        **sums,
    }
    report.problems = [f"{c.source_id}: {c.error}" + (f" ({c.hint})" if c.hint else "") for c in failed]
    told = ", ".join(f"{sums[word]} {word}" for word in _SHOWN_OUTCOMES if sums[word] or word in ("new", "revised"))
    report.line = f"{len(results)} sources, {told}"
    if failed:
        report.line += f"; {len(failed)} of them failed"
    if warned := report.numbers["warnings"]:
        report.line += f"; {len(warned)} read with a warning (`digest status`)"
    if not_due:
        report.line += f"; {not_due} not due"
