"""Stage `fetch`: fetch the sources that are due, a few at once, and summarise what came."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import timedelta
from difflib import get_close_matches

from digest.config.schema import Config, Source
from digest.context import Context, record_run
from digest.db.locks import hold_lock
from digest.db.sources import claim_due_sources, release_sources
from digest.errors import NotFoundError, StoreError
from digest.ingest.parser_process import ParserPool
from digest.ingest.source_fetch import FetchServices, SourceFetch
from digest.ingest.staleness import load_active_days_of_sources, measure_stale_times
from digest.ingest.writer import BatchWriter
from digest.models.items import FetchState
from digest.models.runs import SourceResult
from digest.protocols import Report
from digest.text import format_count

# The HTTP client limits requests further; the other sources of these are being parsed and stored.
_MAX_CONCURRENT_FETCHES = 160
_MAX_CLAIM = timedelta(hours=1)  # how long a claim postpones the next check, should the process die
_SHOWN_OUTCOMES = ("new", "revised", "unchanged", "duplicate", "rejected", "failed")


async def fetch_sources(context: Context, names: Sequence[str] = (), *, force: bool = False) -> Report:
    """Fetch the sources that are due, or the named ones; with `force` also those that are not due.

    The failure of one source is in the report and in its result, and the run goes on. The run may be stopped at any
    moment: items, state and result of each source are stored in one transaction. Raises NotFoundError for a name
    without a source.
    """
    sources = select_sources(context.config, names)
    with record_run(context, "fetch") as report, hold_lock(context.db, "fetch") as is_only_run:
        states = claim_sources(context, sources, force=force, resume=is_only_run)
        make_fetcher = context.make_fetcher
        async with aclosing(make_fetcher()) as fetcher, ParserPool() as pool, BatchWriter(context.db) as writer:
            services = FetchServices(context, fetcher, pool, writer, report.run_id or 0)
            fetches = [SourceFetch(services, source, states[source.id]) for source in sources if source.id in states]
            with context.progress.task("fetch", len(fetches)) as step, _release_on_stop(context, states.values()):
                loading = asyncio.create_task(asyncio.to_thread(load_active_days_of_sources, context))
                results = await _run_fetches(fetches, step)
                active_days = await loading
        changed = [result.source_id for result in results if result.new or result.revised or result.duplicate]
        active_days |= load_active_days_of_sources(context, changed)
        with context.db.read() as session:
            stale_times = measure_stale_times(session, active_days)
        _summarise_fetch(report, results, len(sources) - len(fetches), stale_times)
    return report


def select_sources(config: Config, names: Sequence[str]) -> list[Source]:
    """Return the enabled sources, or the named ones, enabled or not."""
    if not names:
        return [source for source in config.sources if source.enabled]
    by_id = {source.id: source for source in config.sources}
    if missing := [name for name in names if name not in by_id]:
        near = get_close_matches(missing[0], by_id, 1, 0.7)
        hint = f"did you mean {near[0]!r}?" if near else "run `digest sources list` to see their names"
        raise NotFoundError(f"no source {missing[0]!r}", hint)
    return [by_id[name] for name in dict.fromkeys(names)]


def claim_sources(context: Context, sources: Sequence[Source], *, force: bool, resume: bool) -> dict[str, FetchState]:
    """Claim the due sources in one transaction, before any request, and return their states."""
    claims = {each.id: (each.url or "", min(_MAX_CLAIM, timedelta(hours=each.interval_hours))) for each in sources}
    with context.db.write() as session:
        return claim_due_sources(session, claims, context.now, force=force, resume=resume)


@contextmanager
def _release_on_stop(context: Context, states: Iterable[FetchState]) -> Iterator[None]:
    """Release the open claims when the run is stopped, so that the next run goes on with these sources."""
    try:
        yield
    except (asyncio.CancelledError, KeyboardInterrupt):
        with suppress(StoreError), context.db.write() as session:  # a full disk is the error to report
            release_sources(session, states)
        raise


async def _run_fetches(source_fetches: Iterable[SourceFetch], step: Callable[[int], None]) -> list[SourceResult]:
    """Run the fetches, a few at once; the first unexpected error, or a stop, ends all of them."""
    slots = asyncio.Semaphore(_MAX_CONCURRENT_FETCHES)

    async def run(source_fetch: SourceFetch) -> SourceResult:
        async with slots:
            result = await source_fetch.run()
        step(1)
        return result

    tasks = [asyncio.create_task(run(source_fetch)) for source_fetch in source_fetches]
    try:
        return [await task for task in tasks]
    finally:
        cancelled = [task for task in tasks if not task.done() and task.cancel()]
        await asyncio.gather(*cancelled, return_exceptions=True)


def _summarise_fetch(
    report: Report, results: Sequence[SourceResult], not_due: int, stale: Mapping[str, timedelta]
) -> None:
    """Fill the report: one line, the sums, and what failed at which source."""
    failed = [result for result in results if result.state in ("failed", "partial")]
    sums = Counter({name: sum(getattr(r, name) for r in results) for name in ("found", *_SHOWN_OUTCOMES, "bytes")})
    warnings = {result.source_id: result.error for result in results if result.error and result not in failed}
    report.state = "done" if not failed else "failed" if all(r.state == "failed" for r in results) else "partial"
    report.numbers = {
        "sources": len(results),
        "unmodified": sum(result.state == "unmodified" for result in results),
        "not_due": not_due,
        "sources_failed": len(failed),
        "warnings": warnings,
        "silent": {source_id: time.days for source_id, time in sorted(stale.items())},
        **sums,
    }
    report.problems = [f"{r.source_id}: {r.error}" + (f" ({r.hint})" if r.hint else "") for r in failed]
    shown = [f"{sums[name]} {name}" for name in _SHOWN_OUTCOMES if sums[name] or name in ("new", "revised")]
    report.line = f"{format_count(len(results), 'source')}, {', '.join(shown)}"
    if failed:
        report.line += f"; {len(failed)} of them failed"
    if warnings:
        report.line += f"; {len(warnings)} read with a warning (`digest status`)"
    if not_due:
        report.line += f"; {not_due} not due"
