"""Fetch one source: pages, feed of a page, sitemap dates.

One visit to one claimed source: ask, read, keep. The only place that knows the order of these steps.

Dates for posts whose page gives none, from the site's sitemap: one more request, and only when the page changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urljoin

from digest.config.schema import Source
from digest.context import Context
from digest.errors import ParseError, SourceError
from digest.http.retry import retry_fetch
from digest.ingest.parser import ParsedPage, parse_response, parse_sitemap_response, to_plain_source
from digest.ingest.parser_process import ParserPool
from digest.ingest.source_state import build_validators, is_unchanged_response, record_failure, record_success
from digest.ingest.writer import BatchWriter, FetchedPage
from digest.models.items import FetchState
from digest.models.runs import SourceResult
from digest.protocols import Fetcher, Request, Response, Validators
from digest.sources import SOURCE_KINDS
from digest.urls.canonical import build_match_url

_SITEMAP_RETRY_INTERVAL = timedelta(days=7)  # until a site without a readable sitemap is asked for one again


async def fill_dates_from_sitemap(
    fetcher: Fetcher,
    parser_pool: ParserPool,
    source: Source,
    state: FetchState,
    source_result: SourceResult,
    response: Response,
    parsed_page: ParsedPage,
    now: datetime,
) -> None:
    """Give the reading's undated posts the days of the sitemap at the root of the site that answered.

    A sitemap that cannot be had is a warning; one that has not changed since says nothing of new posts.
    """
    undated = [item for item in parsed_page.items if item.published is None]
    known = state.cursor.get("sitemap", {})
    if not undated or known.get("not_before", "") > now.isoformat():
        return
    asked = _build_sitemap_request(urljoin(response.url, "/sitemap.xml"), source, known)
    source_result.requests += 1
    try:
        answer = await fetcher(asked)
        source_result.bytes += len(answer.body)
        dates = (
            {} if answer.is_not_modified else await parser_pool.run(parse_sitemap_response, answer, subject=source.id)
        )
    except SourceError as error:
        parsed_page.warnings.append(f"no dates from its sitemap: {error.message}")
        parsed_page.cursor = {
            **parsed_page.cursor,
            "sitemap": {"not_before": (now + _SITEMAP_RETRY_INTERVAL).isoformat()},
        }
        return
    for item in undated:
        moment = dates.get(build_match_url(item.url))
        if moment and moment <= now:
            item.published, item.date_flag = moment, None
    parsed_page.cursor = {
        **parsed_page.cursor,
        "sitemap": known if answer.is_not_modified else _extract_validators(answer),
    }


def _build_sitemap_request(url: str, source: Source, cursor: Mapping[str, Any]) -> Request:
    stored = Validators(cursor["url"], cursor["etag"], cursor["last_modified"]) if "url" in cursor else None
    return Request(url=url, allow_private=source.allow_private, validators=stored)


def _extract_validators(answer: Response) -> dict[str, str | None]:
    headers = answer.headers
    return {"url": answer.url, "etag": headers.get("etag"), "last_modified": headers.get("last-modified")}


_MAX_PAGES = 500
_MAX_OLDER_PAGES = 5
_MAX_ERROR_LENGTH = 1000
_ATTEMPTS_BY_KIND = {
    "arxiv": 4,
    "arxiv-oai": 4,
}  # arXiv answers nothing, HTML or 503 now and then; others are asked once


@dataclass(frozen=True, slots=True)
class FetchServices:
    """What every visit of a run shares."""

    context: Context
    fetcher: Fetcher
    parser_pool: ParserPool
    writer: BatchWriter
    run_id: int
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class SourceFetch:
    """A visit in the making, to a source that was claimed: `state` is what the claim gave.

    `make()` raises no SourceError: a failure is in the count and in the source's state.
    """

    def __init__(self, tools: FetchServices, source: Source, state: FetchState) -> None:
        self._services = tools
        self._context = tools.context
        self._source = source
        self._state = state
        self._result = SourceResult(run_id=tools.run_id, source_id=source.id, state="partial", at=self._context.now)
        self._is_first_fetch = state.last_changed is None
        self._started = 0.0
        self._warnings: dict[str, None] = {}  # faults that cost no more than some items, each once

    async def run(self) -> SourceResult:
        """Visit the source, and return what was found there."""
        self._started = time.monotonic()
        with self._services.writer.expect_result():
            try:
                await self._fetch_pages()
            except SourceError as error:
                await self._record_failure(error)
        return self._result

    async def _record_failure(self, error: SourceError) -> None:
        record_failure(self._state, error, self._context.now)
        # A page is asked again where its own feed fails.
        self._state.cursor = {name: at for name, at in self._state.cursor.items() if name != "feed"}
        self._result.state = "partial" if self._result.found else "failed"
        self._result.error, self._result.hint = error.message.removeprefix(f"{self._source.id}: "), error.hint
        await self._store_page()

    async def _fetch_pages(self) -> None:
        """Page after page, each stored before the next is asked for."""
        asked: Request | None = self._build_first_request()
        seen: set[str] = set()
        while asked is not None:
            if asked.url in seen or len(seen) >= _MAX_PAGES:
                raise ParseError("its pages do not end", "its paging may have changed")
            seen.add(asked.url)
            asked = await self._fetch_page(asked, is_first=len(seen) == 1)

    def _build_first_request(self) -> Request:
        """The kind's request, at the place the source has moved to, with the validators of its last answer."""
        state, source = self._state, self._source
        request = SOURCE_KINDS[source.kind].build_request(source, state.cursor, self._context.now)
        if state.moved_to and request.url == source.url and state.errors % 2 == 0:
            request = replace(request, url=state.moved_to)  # after an error the configured address gets its turn
        return replace(request, validators=build_validators(state))

    async def _fetch_page(self, request: Request, *, is_first: bool) -> Request | None:
        attempts = _ATTEMPTS_BY_KIND.get(self._source.kind, 1)
        read_one = partial(self._request_and_parse, request, is_first=is_first)
        response, reading = await retry_fetch(read_one, attempts=attempts, sleep=self._services.sleep)
        if reading and reading.feed_request:
            request, response, reading = await self._follow_feed(request, response, reading, reading.feed_request)
        if reading and self._source.kind == "page":
            tools, count = self._services, self._result
            now = self._context.now
            await fill_dates_from_sitemap(
                tools.fetcher, tools.parser_pool, self._source, self._state, count, response, reading, now
            )
        self._warnings |= dict.fromkeys(reading.describe_problems() if reading else ())
        following = reading.next_request if reading else None
        if following is None:
            record_success(
                self._state, self._source, request, response, reading, self._context.now, is_complete=is_first
            )
            self._result.state = "ok" if reading else "unmodified"
            self._result.error = "; ".join(self._warnings)[:_MAX_ERROR_LENGTH] or None
        del response  # its body need not wait until what was read from it is stored
        await self._store_page(reading)
        if reading and reading.older_request:
            await self._fetch_older_pages(reading)
        return following

    async def _follow_feed(
        self, request: Request, response: Response, parsed_page: ParsedPage, feed: Request
    ) -> tuple[Request, Response, ParsedPage]:
        """What a page's own feed gave, to which question; what the page itself shows where its feed cannot be had."""
        try:
            answer, found = await self._request_and_parse(feed, is_first=False)
            assert found is not None  # nothing was known of the feed that it could be the same as
            if "feed" in found.cursor:  # as pages say where their feed is
                raise ParseError(f"{feed.url} is a page and no feed")
        except SourceError as error:
            if not parsed_page.found_count:
                raise
            parsed_page.warnings.append(f"its own feed was left aside: {error.message}")
            return request, response, parsed_page
        found.cursor = {"feed": feed.url}
        return feed, answer, found

    async def _fetch_older_pages(self, parsed_page: ParsedPage) -> None:
        """The pages before a feed's newest one while something may have been missed: nothing was known.

        One that fails is named in the count; what came before it is stored, and the feed itself is well.
        """
        seen: set[str] = set()
        try:
            while (
                (asked := parsed_page.older_request)
                and len(seen) < _MAX_OLDER_PAGES
                and asked.url not in seen
                and self._has_only_new_items()
            ):
                seen.add(asked.url)
                _, older = await self._request_and_parse(asked, is_first=False)
                if older is None or self._result.found >= self._source.max_items:
                    return
                parsed_page = older
                await self._store_page(parsed_page)
        except SourceError as error:
            self._result.state, self._result.error, self._result.hint = "partial", error.message, error.hint
            await self._store_page()

    def _has_only_new_items(self) -> bool:
        """Whether this source had shown none of what was found."""
        return self._result.found > 0 == self._result.unchanged + self._result.revised

    async def _request_and_parse(self, request: Request, *, is_first: bool) -> tuple[Response, ParsedPage | None]:
        """Ask and read; the reading is None when the answer is the one that was read before."""
        self._result.requests += 1
        response = await self._services.fetcher(request)
        self._result.requests += len(response.redirects)
        self._result.bytes += len(response.body)
        if is_first and is_unchanged_response(self._state, response):
            return response, None
        now, subject = self._context.now, self._source.id
        whose = to_plain_source(self._source)
        reading = await self._services.parser_pool.run(
            parse_response, whose, response, now, self._is_first_fetch, subject=subject
        )
        return response, reading

    async def _store_page(self, parsed_page: ParsedPage | None = None) -> None:
        """One transaction: the page's items, the source's state, its count in the ledger."""
        if parsed_page and parsed_page.cursor:
            self._state.cursor = {**self._state.cursor, **parsed_page.cursor}
        self._result.next_check = self._state.next_check
        self._result.seconds = round(time.monotonic() - self._started, 3)
        self._result = await self._services.writer.write_page(FetchedPage(self._state, self._result, parsed_page))
