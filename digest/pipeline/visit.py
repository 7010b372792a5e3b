"""One visit to one claimed source: ask, read, keep. The only place that knows the order of these steps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from digest.config import Source
from digest.errors import ParseError, SourceError
from digest.fetch.patience import patiently
from digest.fetch.worker import Workers
from digest.models import Count, State
from digest.pipeline.context import Context
from digest.pipeline.dating import date_posts
from digest.pipeline.keeping import Keeper, Result
from digest.pipeline.reading import Reading, plain, read
from digest.pipeline.remember import answered, failed, is_same, validators
from digest.ports import Fetcher, Request, Response
from digest.sources import KINDS

_MOST_PAGES = 500
_MOST_OLDER = 5
_LONGEST_WORDS = 1000
_ATTEMPTS = {"arxiv": 4, "arxiv-oai": 4}  # arXiv answers nothing, HTML or 503 now and then; others are asked once


@dataclass(frozen=True, slots=True)
class Tools:
    """What every visit of a run shares."""

    context: Context
    fetcher: Fetcher
    workers: Workers
    keeper: Keeper
    run_id: int
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Visit:
    """A visit in the making, to a source that was claimed: `state` is what the claim gave.

    `make()` raises no SourceError: a failure is in the count and in the source's state.
    """

    def __init__(self, tools: Tools, source: Source, state: State) -> None:
        self._tools = tools
        self._context = tools.context
        self._source = source
        self._state = state
        self._count = Count(run_id=tools.run_id, source_id=source.id, state="partial", at=self._context.now)
        self._first_fetch = state.last_changed is None
        self._began = 0.0
        self._survived: dict[str, None] = {}  # faults that cost no more than some items, each once

    async def make(self) -> Count:
        """Visit the source, and return what was found there."""
        self._began = time.monotonic()
        with self._tools.keeper.under_way():
            try:
                await self._pages()
            except SourceError as error:
                await self._fail(error)
        return self._count

    async def _fail(self, error: SourceError) -> None:
        failed(self._state, error, self._context.now)
        # A page is asked again where its own feed fails.
        self._state.cursor = {name: at for name, at in self._state.cursor.items() if name != "feed"}
        self._count.state = "partial" if self._count.found else "failed"
        self._count.error, self._count.hint = error.message.removeprefix(f"{self._source.id}: "), error.hint
        await self._keep()

    async def _pages(self) -> None:
        """Page after page, each stored before the next is asked for."""
        asked: Request | None = self._first_request()
        seen: set[str] = set()
        while asked is not None:
            if asked.url in seen or len(seen) >= _MOST_PAGES:
                raise ParseError("its pages do not end", "its paging may have changed")
            seen.add(asked.url)
            asked = await self._page(asked, first=len(seen) == 1)

    def _first_request(self) -> Request:
        """The kind's request, at the place the source has moved to, with the validators of its last answer."""
        state, source = self._state, self._source
        request = KINDS[source.kind].request(source, state.cursor, self._context.now)
        if state.moved_to and request.url == source.url and state.errors % 2 == 0:
            request = replace(request, url=state.moved_to)  # after an error the configured address gets its turn
        return replace(request, validators=validators(state))

    async def _page(self, asked: Request, *, first: bool) -> Request | None:
        attempts = _ATTEMPTS.get(self._source.kind, 1)
        read_one = partial(self._read, asked, first=first)
        response, reading = await patiently(read_one, attempts=attempts, sleep=self._tools.sleep)
        if reading and reading.feed:
            asked, response, reading = await self._through_feed(asked, response, reading, reading.feed)
        if reading and self._source.kind == "page":
            tools, count = self._tools, self._count
            now = self._context.now
            await date_posts(tools.fetcher, tools.workers, self._source, self._state, count, response, reading, now)
        self._survived |= dict.fromkeys(reading.faults() if reading else ())
        following = reading.next if reading else None
        if following is None:
            answered(self._state, self._source, asked, response, reading, self._context.now, whole=first)
            self._count.state = "ok" if reading else "unmodified"
            self._count.error = "; ".join(self._survived)[:_LONGEST_WORDS] or None
        del response  # its body need not wait until what was read from it is stored
        await self._keep(reading)
        if reading and reading.older:
            await self._older_pages(reading)
        return following

    async def _through_feed(
        self, asked: Request, response: Response, reading: Reading, feed: Request
    ) -> tuple[Request, Response, Reading]:
        """What a page's own feed gave, to which question; what the page itself shows where its feed cannot be had."""
        try:
            answer, found = await self._read(feed, first=False)
            assert found is not None  # nothing was known of the feed that it could be the same as
            if "feed" in found.cursor:  # as pages say where their feed is
                raise ParseError(f"{feed.url} is a page and no feed")
        except SourceError as error:
            if not reading.found:
                raise
            reading.warnings.append(f"its own feed was left aside: {error.message}")
            return asked, response, reading
        found.cursor = {"feed": feed.url}
        return feed, answer, found

    async def _older_pages(self, reading: Reading) -> None:
        """The pages before a feed's newest one while something may have been missed: nothing was known.

        One that fails is named in the count; what came before it is stored, and the feed itself is well.
        """
        seen: set[str] = set()
        try:
            while (asked := reading.older) and len(seen) < _MOST_OLDER and asked.url not in seen and self._strange():
                seen.add(asked.url)
                _, older = await self._read(asked, first=False)
                if older is None or self._count.found >= self._source.max_items:
                    return
                reading = older
                await self._keep(reading)
        except SourceError as error:
            self._count.state, self._count.error, self._count.hint = "partial", error.message, error.hint
            await self._keep()

    def _strange(self) -> bool:
        """Whether this source had shown none of what was found."""
        return self._count.found > 0 == self._count.unchanged + self._count.revised

    async def _read(self, asked: Request, *, first: bool) -> tuple[Response, Reading | None]:
        """Ask and read; the reading is None when the answer is the one that was read before."""
        self._count.requests += 1
        response = await self._tools.fetcher(asked)
        self._count.requests += len(response.hops)
        self._count.bytes += len(response.body)
        if first and is_same(self._state, response):
            return response, None
        now, subject = self._context.now, self._source.id
        whose = plain(self._source)
        reading = await self._tools.workers.run(read, whose, response, now, self._first_fetch, subject=subject)
        return response, reading

    async def _keep(self, reading: Reading | None = None) -> None:
        """One transaction: the page's items, the source's state, its count in the ledger."""
        if reading and reading.cursor:
            self._state.cursor = {**self._state.cursor, **reading.cursor}
        self._count.next_check = self._state.next_check
        self._count.seconds = round(time.monotonic() - self._began, 3)
        self._count = await self._tools.keeper.keep(Result(self._state, self._count, reading))
