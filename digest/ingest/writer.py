"""Write the results of several source fetches in one transaction, the whole of each result or none of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from digest.db.engine import Database
from digest.db.runs import save_source_results
from digest.db.sources import save_source_states
from digest.ingest.parser import ParsedPage
from digest.ingest.store import ingest_items_by_source
from digest.models.items import FetchState
from digest.models.runs import SourceResult

_MAX_BATCH = 48  # results in one transaction, so that other processes' writes need not wait long
# Each transaction has a fixed cost, so the writer waits a moment for results that may still come.
_MAX_WAIT = 0.3  # seconds


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """One page of a source with the source's state and result so far, which does not count the page's items yet."""

    state: FetchState
    source_result: SourceResult
    parsed_page: ParsedPage | None = None


_Pending = tuple[FetchedPage, asyncio.Future[SourceResult]]


class BatchWriter:
    """Stores fetched pages: items, state and result of a page together or not at all."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._pending: list[_Pending] = []
        self._expected = 0
        self._changed = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        # One thread for all transactions, because each thread's memory grows to the largest and stays.
        self._thread = ThreadPoolExecutor(1)

    @contextmanager
    def expect_result(self) -> Iterator[None]:
        """Announce a source fetch while the block runs: a transaction waits for its page."""
        self._expected += 1
        try:
            yield
        finally:
            self._expected -= 1
            self._changed.set()

    async def write_page(self, page: FetchedPage) -> SourceResult:
        """Store a page and return the source's result with the page's items counted."""
        future: asyncio.Future[SourceResult] = asyncio.get_running_loop().create_future()
        self._pending.append((page, future))
        self._changed.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_pending())
        return await future

    async def __aenter__(self) -> BatchWriter:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._writer:  # finish a transaction that has begun
                await self._writer
        finally:
            self._thread.shutdown(wait=False)

    async def _write_pending(self) -> None:
        while self._pending:
            await self._wait_for_batch()
            batch, self._pending = self._pending[:_MAX_BATCH], self._pending[_MAX_BATCH:]
            if batch := [(page, future) for page, future in batch if not future.cancelled()]:
                await self._store_batch(batch)

    async def _wait_for_batch(self) -> None:
        """Wait until the batch is full, no more pages are expected, or the first has waited long enough."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_MAX_WAIT):
                while len(self._pending) < min(_MAX_BATCH, self._expected):
                    self._changed.clear()
                    await self._changed.wait()

    async def _store_batch(self, batch: Sequence[_Pending]) -> None:
        """Store a batch in one transaction; if that fails, each page in its own, so that only the faulty one fails."""
        try:
            pages = [page for page, _ in batch]
            run = asyncio.get_running_loop().run_in_executor
            results: Sequence[SourceResult | Exception] = await run(self._thread, store_fetched_pages, self._db, pages)
        except Exception as error:
            if len(batch) > 1:
                for pending in batch:
                    await self._store_batch([pending])
                return
            results = [error]
        for (_, future), result in zip(batch, results, strict=True):
            if future.cancelled():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


def store_fetched_pages(db: Database, pages: Sequence[FetchedPage]) -> list[SourceResult]:
    """Store pages of different sources in one transaction and return their results; the given ones do not change."""
    with db.write() as session:
        items = [item for page in pages if page.parsed_page for item in page.parsed_page.items]
        outcomes = ingest_items_by_source(session, items)
        results = []
        for page in pages:
            result = page.source_result.model_copy()
            if page.parsed_page:
                add_outcomes(result, page.parsed_page, outcomes.get(page.state.source_id, Counter()))
            results.append(result)
        save_source_states(session, *(page.state for page in pages))
        save_source_results(session, *results)
    return results


def add_outcomes(source_result: SourceResult, page: ParsedPage, outcomes: Mapping[str, int]) -> None:
    """Count every entry of a page: the outcomes of its items, and those that were rejected before."""
    source_result.found += page.found_count
    source_result.rejected += len(page.rejected)
    for outcome, count in outcomes.items():
        setattr(source_result, outcome, getattr(source_result, outcome) + count)
