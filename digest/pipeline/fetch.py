"""The fetch stage: ask each due source, read its answer in a worker, take its items in, keep state and count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from digest.config import Config, Source
from digest.errors import NotFoundError, StoreError
from digest.fetch.silence import LEAST, silent_for
from digest.fetch.worker import Workers
from digest.models import Count, State
from digest.pipeline.context import Context, recorded
from digest.pipeline.keeping import Keeper
from digest.pipeline.reading import ready
from digest.pipeline.remember import is_unread
from digest.pipeline.visit import Tools, Visit
from digest.ports import Report
from digest.store import ledger
from digest.store import sources as source_store
from digest.store.leases import alone

_VISITS = 160  # sources under way at once; the fetcher's own limit is on requests, the others are read and stored
_HOLD = timedelta(hours=1)  # what a claim puts the next check off by, should the process die before the answer
_WORDS = ("new", "revised", "unchanged", "duplicate", "rejected", "failed")


async def fetch(context: Context, names: Sequence[str] = (), *, force: bool = False) -> Report:
    """Fetch the sources that are due, or those named; `force` asks also those that are not due.

    One source's failure is in the report and its count, and the run goes on. Raises NotFoundError for a name that no
    source has. May be stopped at any moment: each source's items, state and count are stored in one transaction.
    """
    sources = chosen(context.config, names)
    with recorded(context, "fetch") as report, alone(context.db, "fetch", context.now) as only:
        states = claimed(context, sources, force=force, resume=only)
        async with aclosing(context.make_fetcher()) as fetcher, Workers() as workers, Keeper(context.db) as keeper:
            if any(map(is_unread, states.values())):
                workers.begin(ready)  # a process takes as long to start as many answers to read
            tools = Tools(context, fetcher, workers, keeper, report.run_id or 0)
            visits = [Visit(tools, source, states[source.id]) for source in sources if source.id in states]
            with context.progress.task("fetch", len(visits)) as step, _released(context, states.values()):
                gathering = asyncio.create_task(asyncio.to_thread(_quiet_days, context))
                counts = await _all(visits, step)
                quiet = await gathering
        shown = [count.source_id for count in counts if count.new or count.revised or count.duplicate]
        quiet |= _quiet_days(context, shown)
        _summarise(report, counts, len(sources) - len(visits), _silent(context, quiet))
    return report


def chosen(config: Config, names: Sequence[str]) -> list[Source]:
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


def claimed(context: Context, sources: Sequence[Source], *, force: bool, resume: bool) -> dict[str, State]:
    """The states of those sources that are due, each put off in one transaction before any of them is asked."""
    wanted = {source.id: (source.url or "", min(_HOLD, timedelta(hours=source.interval_hours))) for source in sources}
    with context.db.write() as session:
        return source_store.claim(session, wanted, context.now, force=force, resume=resume)


def silences(context: Context) -> dict[str, timedelta]:
    """The enabled sources that had gone silent against their own history when they were last asked, and for how long.

    What nobody asked for says nothing: a machine that was off for months finds no source silent.
    """
    return _silent(context, _quiet_days(context))


def _quiet_days(context: Context, names: Collection[str] | None = None) -> dict[str, list[datetime]]:
    """The active days of the enabled sources, or of those named: none where the last week had one.

    To gather them takes as long as many requests: a fetch does it meanwhile, and anew for what showed something.
    """
    asked = [each.id for each in context.config.sources if each.enabled and (names is None or each.id in names)]
    with context.db.read() as session:
        last = ledger.last_active(session, asked)
        quiet = [name for name, moment in last.items() if context.now - moment > LEAST]
        return {name: [] for name in asked} | ledger.active_days(session, quiet)


def _silent(context: Context, days: Mapping[str, Sequence[datetime]]) -> dict[str, timedelta]:
    with context.db.read() as session:
        states = source_store.states(session, [name for name, moments in days.items() if moments])
    asked = {name: state.last_checked for name, state in states.items() if state.last_checked}
    lengths = {name: silent_for(days[name], moment) for name, moment in asked.items()}
    return {source_id: length for source_id, length in lengths.items() if length}


@contextmanager
def _released(context: Context, states: Iterable[State]) -> Iterator[None]:
    """Give the claims back that a stop leaves open, so that the next run goes on with just these sources."""
    try:
        yield
    except (asyncio.CancelledError, KeyboardInterrupt):
        with suppress(StoreError), context.db.write() as session:  # a disk that is full is the error to tell
            source_store.give_back(session, states)
        raise


async def _all(visits: Iterable[Visit], step: Callable[[int], None]) -> list[Count]:
    """Make the visits, a few at once; the first unexpected error, or a stop, ends all of them."""
    places = asyncio.Semaphore(_VISITS)

    async def make(visit: Visit) -> Count:
        async with places:
            count = await visit.make()
        step(1)
        return count

    return await _together([make(visit) for visit in visits])


async def _together(work: Sequence[Coroutine[Any, Any, Count]]) -> list[Count]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return [await task for task in tasks]
    finally:
        left = [task for task in tasks if not task.done() and task.cancel()]
        await asyncio.gather(*left, return_exceptions=True)


def _summarise(report: Report, asked: Sequence[Count], not_due: int, silent: dict[str, timedelta]) -> None:
    """Fill the report: one line, the sums, and what went wrong at which source."""
    failed = [count for count in asked if count.state in ("failed", "partial")]
    sums = Counter({word: sum(getattr(count, word) for count in asked) for word in ("found", *_WORDS, "bytes")})
    report.state = "done" if not failed else "failed" if all(c.state == "failed" for c in asked) else "partial"
    report.numbers = {
        "sources": len(asked),
        "unmodified": sum(count.state == "unmodified" for count in asked),
        "not_due": not_due,
        "sources_failed": len(failed),
        "warnings": {c.source_id: c.error for c in asked if c.error and c not in failed},
        "silent": {source_id: length.days for source_id, length in sorted(silent.items())},
        **sums,
    }
    report.problems = [f"{c.source_id}: {c.error}" + (f" ({c.hint})" if c.hint else "") for c in failed]
    told = ", ".join(f"{sums[word]} {word}" for word in _WORDS if sums[word] or word in ("new", "revised"))
    report.line = f"{len(asked)} sources, {told}"
    if failed:
        report.line += f"; {len(failed)} of them failed"
    if warned := report.numbers["warnings"]:
        report.line += f"; {len(warned)} read with a warning (`digest status`)"
    if not_due:
        report.line += f"; {not_due} not due"
