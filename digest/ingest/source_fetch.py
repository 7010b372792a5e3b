"""Fetch one claimed source: request, parse and store its pages, its feed and the dates of its sitemap."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from digest.config.schema import Source
from digest.context import Context
from digest.errors import HostPausedError, ParseError, SourceError
from digest.http.retry import retry_fetch
from digest.ingest.parser import ParsedPage, parse_response, parse_sitemap_response, parse_window
from digest.ingest.parser_process import ParserPool
from digest.ingest.source_state import build_validators, is_unchanged_response, record_failure, record_success
from digest.ingest.writer import BatchWriter, FetchedPage
from digest.models.items import FetchState
from digest.models.runs import SourceResult
from digest.protocols import Fetcher, Request, Response, Validators
from digest.sources import find_source_kind
from digest.sources.arxiv.api import build_window_request, parse_window_start
from digest.sources.login import add_login
from digest.urls.canonical import build_match_url

_MAX_PAGES = 500
_MAX_OLDER_PAGES = 5
_MAX_ERROR_LENGTH = 1000
# arXiv sometimes answers with nothing, HTML or 503; other sources are asked once.
_ATTEMPTS_BY_KIND = {"arxiv": 4, "arxiv-oai": 4}
_FIRST_PAPER = datetime(1991, 8, 1, tzinfo=UTC)  # before the first submission to arXiv
_MINUTE = timedelta(minutes=1)
_STALE_RETRY_INTERVAL = timedelta(hours=1)  # for announcements that arXiv has not updated yet
_SITEMAP_RETRY_INTERVAL = timedelta(days=7)  # for a site without a readable sitemap


@dataclass(frozen=True, slots=True)
class FetchServices:
    """What all fetches of a run share."""

    context: Context
    fetcher: Fetcher
    parser_pool: ParserPool
    writer: BatchWriter
    run_id: int
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class WindowReader:
    """Reads windows of arXiv's query API and counts their requests in `result`."""

    def __init__(self, services: FetchServices, source: Source, result: SourceResult, min_pause: float = 0.0) -> None:
        self._services = services
        self._source = source
        self._result = result
        self._min_pause = min_pause

    async def read(self, start: datetime, end: datetime, offset: int = 0) -> ParsedPage:
        """Read a page of the papers first submitted between two moments, to the minute, both included."""
        request = replace(build_window_request(self._source, start, end, offset), min_pause=self._min_pause)
        self._result.requests += 1
        response = await self._services.fetcher(request)
        self._result.bytes += len(response.body)
        run, now = self._services.parser_pool.run, self._services.context.now
        return await run(parse_window, self._source, response, now, subject=self._source.id)

    async def count_papers(self, start: datetime, end: datetime) -> int:
        """Count the papers of a window that cannot be empty. Raises ParseError for 0 papers."""
        total = (await self.read(start, end)).total or 0
        if not total:
            raise ParseError("arXiv says that there are 0 papers", "arXiv does this now and then; try again later")
        return total

    async def is_empty(self, start: datetime, end: datetime) -> bool:
        """Return whether the papers before and after a window are all that arXiv has in the categories.

        arXiv sometimes answers "0 papers" to a window that has some; a window it answers so has no other witness.
        """
        now = self._services.context.now
        try:
            if (await self.read(start, end - _MINUTE)).total:
                return False
            total = await self.count_papers(_FIRST_PAPER, now)
            before = (await self.read(_FIRST_PAPER, start - _MINUTE)).total or 0
            after = (await self.read(end, now)).total or 0 if end < now else 0
        except SourceError:
            return False
        return total == before + after


class SourceFetch:
    """The fetch of one claimed source, whose `state` the claim returned.

    `run()` raises no SourceError: a failure is in the result and in the source's state.
    """

    def __init__(self, services: FetchServices, source: Source, state: FetchState) -> None:
        self._services = services
        self._now = services.context.now
        self._source = source
        self._state = state
        self._result = SourceResult(run_id=services.run_id, source_id=source.id, state="partial", at=self._now)
        self._is_first_fetch = state.last_changed is None
        self._started = 0.0
        self._warnings: dict[str, None] = {}  # faults that cost no more than some items, each once

    async def run(self) -> SourceResult:
        """Fetch the source and return the result."""
        self._started = time.monotonic()
        with self._services.writer.expect_result():
            try:
                await self._fetch_pages()
            except SourceError as error:
                await self._record_failure(error)
        return self._result

    async def _record_failure(self, error: SourceError) -> None:
        if isinstance(error, HostPausedError) and not self._result.found:  # the host's other feed met it: no failure
            self._state.next_check = self._now + timedelta(seconds=error.retry_after or 0)
            self._result.state, self._result.error, self._result.hint = "skipped", error.message, error.hint
            await self._store_page()
            return
        record_failure(self._state, error, self._now)
        # Without the stored feed, the next check requests the page again.
        self._state.cursor = {name: value for name, value in self._state.cursor.items() if name != "feed"}
        self._result.state = "partial" if self._result.found else "failed"
        self._result.error, self._result.hint = error.message.removeprefix(f"{self._source.id}: "), error.hint
        await self._store_page()

    async def _fetch_pages(self) -> None:
        """Fetch page after page; each is stored before the next request."""
        request: Request | None = self._build_first_request()
        seen: set[str] = set()
        while request is not None:
            if request.url in seen or len(seen) >= _MAX_PAGES:
                raise ParseError("its pages do not end", "its paging may have changed")
            seen.add(request.url)
            request = await self._fetch_page(request, is_first=len(seen) == 1)

    def _build_first_request(self) -> Request:
        """Build the kind's request, at the URL the source moved to, with the validators of its last response."""
        state, source = self._state, self._source
        request = find_source_kind(source.kind).build_request(source, state.cursor, self._now)
        if state.moved_to and request.url == source.url and state.errors % 2 == 0:
            request = replace(request, url=state.moved_to)  # after an error the configured URL is tried
        return replace(request, validators=build_validators(state))

    async def _fetch_page(self, request: Request, *, is_first: bool) -> Request | None:
        attempt = partial(self._request_and_parse, request, is_first=is_first)
        attempts = _ATTEMPTS_BY_KIND.get(self._source.kind, 1)
        response, page = await retry_fetch(attempt, attempts=attempts, sleep=self._services.sleep)
        if page and page.feed_request:
            request, response, page = await self._follow_feed(request, response, page, page.feed_request)
        if page and self._source.kind == "page":
            await self._fill_dates_from_sitemap(response, page)
        self._warnings |= dict.fromkeys(page.describe_problems() if page else ())
        next_request = page.next_request if page else None
        last_changed = self._state.last_changed
        if next_request is None:
            record_success(self._state, self._source, request, response, page, self._now, is_complete=is_first)
            self._result.state = "ok" if page else "unmodified"
            self._result.error = "; ".join(self._warnings)[:_MAX_ERROR_LENGTH] or None
        del response  # frees its body before the page waits for its transaction
        await self._store_page(page)
        if self._source.kind == "arxiv-rss" and last_changed and last_changed.date() < self._now.date():
            await self._check_announcements()
        if page and page.older_request:
            await self._fetch_older_pages(page)
        return next_request

    async def _check_announcements(self) -> None:
        """Check soon again when arXiv's RSS repeats an earlier day's papers; a quiet day announces none."""
        if 0 < self._result.found == self._result.unchanged:
            self._result.error = "arXiv announced the papers of an earlier day again"
            self._state.next_check = min(self._state.next_check or self._now, self._now + _STALE_RETRY_INTERVAL)
            await self._store_page()

    async def _follow_feed(
        self, request: Request, response: Response, page: ParsedPage, feed: Request
    ) -> tuple[Request, Response, ParsedPage]:
        """Fetch the feed that a page names; return the page itself when its feed fails."""
        try:
            feed_response, feed_page = await self._request_and_parse(feed, is_first=False)
            assert feed_page is not None  # only a first response is compared with an earlier one
            if "feed" in feed_page.cursor:  # only a page names a feed
                raise ParseError(f"{feed.url} is a page and no feed")
        except SourceError as error:
            if not page.found_count:
                raise
            page.warnings.append(f"its own feed was left aside: {error.message}")
            return request, response, page
        feed_page.cursor = {"feed": feed.url}
        return feed, feed_response, feed_page

    async def _fetch_older_pages(self, page: ParsedPage) -> None:
        """Fetch the pages before a feed's newest page while every item is new, so that none is missed.

        A page that fails is named in the result; the earlier pages are stored, and the feed counts as read.
        """
        seen: set[str] = set()
        try:
            while (request := page.older_request) and request.url not in seen and self._has_only_new_items():
                if len(seen) >= _MAX_OLDER_PAGES:
                    return
                seen.add(request.url)
                _, older = await self._request_and_parse(request, is_first=False)
                if older is None or self._result.found >= self._source.max_items:
                    return
                page = older
                await self._store_page(page)
        except SourceError as error:
            self._result.state, self._result.error, self._result.hint = "partial", error.message, error.hint
            await self._store_page()

    def _has_only_new_items(self) -> bool:
        return self._result.found > 0 == self._result.unchanged + self._result.revised

    async def _request_and_parse(self, request: Request, *, is_first: bool) -> tuple[Response, ParsedPage | None]:
        """Return the response and its page; no page when the body is the one that was parsed before."""
        self._result.requests += 1
        response = await self._services.fetcher(add_login(request, self._source, self._services.context.environ))
        self._result.requests += len(response.redirects)
        self._result.bytes += len(response.body)
        if is_first and is_unchanged_response(self._state, response):
            return response, None
        run, source = self._services.parser_pool.run, self._source
        if source.kind != "arxiv":
            arguments = (source, response, self._now, self._is_first_fetch)
            return response, await run(parse_response, *arguments, subject=source.id)
        page = await run(parse_window, source, response, self._now, subject=source.id)
        if not page.total and not await self._is_empty_window(request):
            hint = "arXiv does this now and then; try again later"
            raise ParseError("arXiv answered 0 papers to a window that can't be empty", hint)
        return response, page

    async def _is_empty_window(self, request: Request) -> bool:
        start = parse_window_start(request.url)
        return start is not None and await WindowReader(self._services, self._source, self._result).is_empty(
            start, self._now
        )

    async def _fill_dates_from_sitemap(self, response: Response, page: ParsedPage) -> None:
        """Date the page's undated posts by the sitemap at the root of the site: one request when the page changed.

        A sitemap that fails is a warning, and one that has not changed dates no post.
        """
        undated = [item for item in page.items if item.published is None]
        stored = self._state.cursor.get("sitemap", {})
        if not undated or stored.get("not_before", "") > self._now.isoformat():
            return
        validators = Validators(stored["url"], stored["etag"], stored["last_modified"]) if "url" in stored else None
        url = urljoin(response.url, "/sitemap.xml")
        request = Request(url=url, allow_private=self._source.allow_private, validators=validators)
        self._result.requests += 1
        dates = {}
        try:
            sitemap = await self._services.fetcher(request)
            self._result.bytes += len(sitemap.body)
            if not sitemap.is_not_modified:
                dates = await self._services.parser_pool.run(parse_sitemap_response, sitemap, subject=self._source.id)
        except SourceError as error:
            page.warnings.append(f"no dates from its sitemap: {error.message}")
            stored = {"not_before": (self._now + _SITEMAP_RETRY_INTERVAL).isoformat()}
        else:
            if not sitemap.is_not_modified:
                etag, modified = sitemap.headers.get("etag"), sitemap.headers.get("last-modified")
                stored = {"url": sitemap.url, "etag": etag, "last_modified": modified}
        page.cursor = {**page.cursor, "sitemap": stored}
        for item in undated:
            moment = dates.get(build_match_url(item.url))
            if moment and moment <= self._now:
                item.published, item.date_flag = moment, None

    async def _store_page(self, page: ParsedPage | None = None) -> None:
        """Store the page's items, the source's state and its result in one transaction."""
        if page and not self._source.kind.startswith("arxiv"):
            _place_days_in_zone(page, self._services.context.zone)
        if page and page.cursor:
            self._state.cursor = {**self._state.cursor, **page.cursor}
        self._result.next_check = self._state.next_check
        self._result.seconds = round(time.monotonic() - self._started, 3)
        self._result = await self._services.writer.write_page(FetchedPage(self._state, self._result, page))


def _place_days_in_zone(page: ParsedPage, zone: ZoneInfo) -> None:
    """Move midnight UTC, which stands for a day without a time, to the day's midnight in the newsletter's zone."""
    for item in page.items:
        moment = item.published.astimezone(UTC) if item.published else None
        if moment and (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0):
            item.published = datetime(moment.year, moment.month, moment.day, tzinfo=zone).astimezone(UTC)
