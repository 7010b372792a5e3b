"""The one writer of a fetch run: what several visits have found is stored in one transaction, each visit's whole."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType

from digest.db.engine import Database
from digest.db.runs import save_source_results
from digest.db.sources import save_source_states
from digest.ingest.parser import ParsedPage
from digest.ingest.store import ingest_items_by_source
from digest.models.items import FetchState
from digest.models.runs import SourceResult

_MAX_BATCH = 48  # results in one transaction, so that other processes' writes need not wait long
# A transaction has its price, however much is in it: it waits for results that may still come, but not long.
_MAX_WAIT = 0.3  # seconds


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """What one page of a visit brought: the source's state and count as they are now, and the reading if there is one.

    The reading's items are not in the count yet.
    """

    state: FetchState
    source_result: SourceResult
    parsed_page: ParsedPage | None = None


class BatchWriter:
    """Stores results: the page's items, the source's state and its count, all or none of a result."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pending: list[tuple[FetchedPage, asyncio.Future[SourceResult]]] = []
        self._expected = 0
        self._changed = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        # Always the same thread: each has memory of its own, which grows to the largest transaction and stays.
        self._thread = ThreadPoolExecutor(1)

    @contextmanager
    def expect_result(self) -> Iterator[None]:
        """Announce a visit while the block runs: a transaction waits for its results, and for no others."""
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1
            self._changed.set()

    async def write_page(self, page: FetchedPage) -> SourceResult:
        """The source's count with the reading's items in it, once the result is on the disk."""
        future: asyncio.Future[SourceResult] = asyncio.get_running_loop().create_future()
        self._pending.append((page, future))
        self._changed.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_pending())
        return await future

    async def __aenter__(self) -> BatchWriter:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._writer:  # a transaction that has begun is not left behind
                await self._writer
        finally:
            self._thread.shutdown(wait=False)

    async def _write_pending(self) -> None:
        """Store what waits until nothing waits."""
        while self._pending:
            await self._wait_for_batch()
            batch, self._pending = self._pending[:_MAX_BATCH], self._pending[_MAX_BATCH:]
            if batch := [(result, future) for result, future in batch if not future.cancelled()]:
                await self._store_batch(batch)

    async def _wait_for_batch(self) -> None:
        """Wait until there are enough results, no more can come, or the first has waited long enough."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_MAX_WAIT):
                while len(self._pending) < min(_MAX_BATCH, self._expected):
                    self._changed.clear()
                    await self._changed.wait()

    async def _store_batch(self, batch: Sequence[tuple[FetchedPage, asyncio.Future[SourceResult]]]) -> None:
        """All in one transaction; when that fails, each in its own, so that only the one that is to blame fails."""
        try:
            results = [result for result, _ in batch]
            stored = asyncio.get_running_loop().run_in_executor(self._thread, store_fetched_pages, self._db, results)
            counts: Sequence[SourceResult | Exception] = await stored
        except Exception as error:
            if len(batch) > 1:
                for each in batch:
                    await self._store_batch([each])
                return
            counts = [error]
        for (_, future), count in zip(batch, counts, strict=True):
            if future.cancelled():
                continue
            if isinstance(count, Exception):
                future.set_exception(count)
            else:
                future.set_result(count)


def store_fetched_pages(db: Database, pages: Sequence[FetchedPage]) -> list[SourceResult]:
    """Store results of different sources in one transaction; returns their counts, the results' stay as they were."""
    with db.write() as session:
        readings = [result.parsed_page for result in pages if result.parsed_page]
        fates = ingest_items_by_source(session, [item for reading in readings for item in reading.items])
        counts = [_add_item_outcomes(result, fates.get(result.state.source_id, Counter())) for result in pages]
        save_source_states(session, *(result.state for result in pages))
        save_source_results(session, *counts)
    return counts


def _add_item_outcomes(page: FetchedPage, outcomes: Mapping[str, int]) -> SourceResult:
    count = page.source_result.model_copy()
    if page.parsed_page:
        add_outcomes(count, page.parsed_page, outcomes)
    return count


def add_outcomes(source_result: SourceResult, parsed_page: ParsedPage, outcomes: Mapping[str, int]) -> None:
    """Give every found item its fate: what intake says, or rejected before it came there."""
    source_result.found += parsed_page.found_count
    source_result.rejected += len(parsed_page.rejected)
    for fate, number in outcomes.items():
        setattr(source_result, fate, getattr(source_result, fate) + number)
