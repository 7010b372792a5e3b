"""The one writer of a fetch run: what several visits have found is stored in one transaction, each visit's whole."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType

from digest.models import Count, State
from digest.pipeline.intake import take_in_each
from digest.pipeline.reading import Reading
from digest.store import ledger, sources
from digest.store.database import Database

_MOST = 48  # results in one transaction, so that other processes' writes need not wait long
# A transaction has its price, however much is in it: it waits for results that may still come, but not long.
_LONGEST = 0.3  # seconds


@dataclass(frozen=True, slots=True)
class Result:
    """What one page of a visit brought: the source's state and count as they are now, and the reading if there is one.

    The reading's items are not in the count yet.
    """

    state: State
    count: Count
    reading: Reading | None = None


class Keeper:
    """Stores results: the page's items, the source's state and its count, all or none of a result."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: list[tuple[Result, asyncio.Future[Count]]] = []
        self._under_way = 0
        self._changed = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        # Always the same thread: each has memory of its own, which grows to the largest transaction and stays.
        self._thread = ThreadPoolExecutor(1)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Announce a visit while the block runs: a transaction waits for its results, and for no others."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._changed.set()

    async def keep(self, result: Result) -> Count:
        """The source's count with the reading's items in it, once the result is on the disk."""
        future: asyncio.Future[Count] = asyncio.get_running_loop().create_future()
        self._waiting.append((result, future))
        self._changed.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await future

    async def __aenter__(self) -> Keeper:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._writer:  # a transaction that has begun is not left behind
                await self._writer
        finally:
            self._thread.shutdown(wait=False)

    async def _write(self) -> None:
        """Store what waits until nothing waits."""
        while self._waiting:
            await self._gathered()
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            if batch := [(result, future) for result, future in batch if not future.cancelled()]:
                await self._store_all(batch)

    async def _gathered(self) -> None:
        """Wait until there are enough results, no more can come, or the first has waited long enough."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST):
                while len(self._waiting) < min(_MOST, self._under_way):
                    self._changed.clear()
                    await self._changed.wait()

    async def _store_all(self, batch: Sequence[tuple[Result, asyncio.Future[Count]]]) -> None:
        """All in one transaction; when that fails, each in its own, so that only the one that is to blame fails."""
        try:
            results = [result for result, _ in batch]
            stored = asyncio.get_running_loop().run_in_executor(self._thread, store, self._db, results)
            counts: Sequence[Count | Exception] = await stored
        except Exception as error:
            if len(batch) > 1:
                for each in batch:
                    await self._store_all([each])
                return
            counts = [error]
        for (_, future), count in zip(batch, counts, strict=True):
            if future.cancelled():
                continue
            if isinstance(count, Exception):
                future.set_exception(count)
            else:
                future.set_result(count)


def store(db: Database, results: Sequence[Result]) -> list[Count]:
    """Store results of different sources in one transaction; returns their counts, the results' stay as they were."""
    with db.write() as session:
        readings = [result.reading for result in results if result.reading]
        fates = take_in_each(session, [item for reading in readings for item in reading.prepared])
        counts = [_counted(result, fates.get(result.state.source_id, Counter())) for result in results]
        sources.save(session, *(result.state for result in results))
        ledger.record(session, *counts)
    return counts


def _counted(result: Result, outcomes: Mapping[str, int]) -> Count:
    count = result.count.model_copy()
    if result.reading:
        tally(count, result.reading, outcomes)
    return count


def tally(count: Count, reading: Reading, outcomes: Mapping[str, int]) -> None:
    """Give every found item its fate: what intake says, or rejected before it came there."""
    count.found += reading.found
    count.rejected += len(reading.rejected)
    for fate, number in outcomes.items():
        setattr(count, fate, getattr(count, fate) + number)
