"""Backfill past months from arXiv: a window for each day, each page stored together with a checkpoint.

arXiv sometimes answers a window with nothing, HTML, a short page or another total. A day is therefore complete when
its papers are as many as its total, and a month when its days hold no fewer papers than the month's total.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, closing
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context, record_run
from digest.db.locks import hold_lock, take_batches
from digest.db.runs import OUTCOMES, save_source_results
from digest.db.sources import load_checkpoint, save_checkpoint
from digest.errors import ConfigError, FetchError, ParseError, SourceError, StoreError
from digest.http.retry import is_retry_after_too_long, retry_fetch
from digest.ingest.fetch import select_sources
from digest.ingest.parser import ParsedPage
from digest.ingest.parser_process import ParserPool
from digest.ingest.source_fetch import FetchServices, WindowReader
from digest.ingest.store import ingest_items
from digest.ingest.writer import BatchWriter, add_outcomes
from digest.models.runs import SourceResult
from digest.periods import Period
from digest.protocols import Report

BACKFILL_STAGE = "backfill"
ARXIV_PAUSE = 10.0  # seconds; arXiv asks for 3 s, but throttled long harvests at 3-5 s and none at 10-15 s
SETTLING_TIME = timedelta(days=5)  # moderation delays papers; a younger day is read again the next time
_MAX_ATTEMPTS = 6
_MAX_EMPTY_RESPONSES = 3  # in a row, until an empty day is accepted for now; the month's total decides
_MAX_RESTARTS = 4  # of a day whose total changes while it is read
_MAX_FAILED_DAYS = 3  # in a row: arXiv is down or refuses requests
_MONTH_PATIENCE = 3600.0  # seconds; a month of arXiv takes several minutes
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


async def backfill_arxiv(
    context: Context, period: Period, source_id: str = "", *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Report:
    """Fetch the papers first submitted to arXiv in the months of `period`, in the categories of a source.

    `source_id` is an arXiv source, by default the first one. The run may be stopped or killed at any moment: the next
    call goes on after the last stored page. Days that fail are in the report, which is then partial or failed.
    """
    source = select_arxiv_source(context, source_id)
    with hold_lock(context.db, f"backfill:{source.id}") as is_only_run:
        if not is_only_run:
            raise StoreError(f"another process is filling {source.id}", "wait for it, or stop it")
        with record_run(context, "backfill", period.name) as report:
            make_fetcher = context.make_fetcher
            async with aclosing(make_fetcher()) as fetcher, ParserPool() as pool, BatchWriter(context.db) as writer:
                services = FetchServices(context, fetcher, pool, writer, report.run_id or 0, sleep)
                await _backfill_period(services, source, period, report)
    return report


def help_backfill(context: Context, argument: str) -> Report:
    """Backfill the months that no other worker has, of the source and period in `argument`, for the one that began."""
    source_id, _, name = argument.partition(" ")
    source, period = select_arxiv_source(context, source_id), context.parse_period(name)

    async def help_with_months() -> Report:
        with record_run(context, "backfill", period.name) as report:
            make_fetcher = context.make_fetcher
            async with aclosing(make_fetcher()) as fetcher, ParserPool() as pool, BatchWriter(context.db) as writer:
                services = FetchServices(context, fetcher, pool, writer, report.run_id or 0, asyncio.sleep)
                await _backfill_period(services, source, period, report, should_wait=False)
        return report

    return run_sync(help_with_months())


def select_arxiv_source(context: Context, source_id: str) -> Source:
    """Return the named source, or the first of an arXiv kind, as one of the query API.

    Raises ConfigError or NotFoundError.
    """
    sources = select_sources(context.config, [source_id]) if source_id else list(context.config.sources)
    for source in sources:
        if source.kind == "arxiv":
            return source
        if source.kind.startswith("arxiv"):
            return source.model_copy(update={"kind": "arxiv", "url": None})
    subject = f"the source {source_id!r} is no arXiv source" if source_id else "sources.yaml has no arXiv source"
    raise ConfigError(subject, "backfill works for sources of kind 'arxiv'")


async def _backfill_period(
    services: FetchServices, source: Source, period: Period, report: Report, *, should_wait: bool = True
) -> None:
    context = services.context
    result = SourceResult(run_id=services.run_id, source_id=source.id, state="partial", at=context.now)
    spans = [span for span in period.months() if span.start() < context.now]
    months = {span.name: MonthBackfill(services, source, span, result) for span in spans}
    if should_wait and len(months) > 1:
        context.call_helpers(BACKFILL_STAGE, f"{source.id} {period.name}")
    done: list[MonthBackfill] = []
    batches = take_batches(
        context.db, f"backfill:{source.id}", list(months), should_wait=should_wait, patience=_MONTH_PATIENCE
    )
    with (
        context.progress.task(f"backfill {source.id}", sum((s.end() - s.start()).days for s in spans)) as step,
        closing(batches),
    ):
        for name in batches:
            await months[name].run(step)
            done.append(months[name])
            if months[name].has_given_up:  # arXiv is down or refuses requests for the other months too
                break
    _summarise_backfill(report, result, done, period)
    with context.db.write() as session:
        save_source_results(session, result)


def _summarise_backfill(report: Report, result: SourceResult, months: Sequence[MonthBackfill], period: Period) -> None:
    report.problems = [problem for month in months for problem in month.problems]
    papers = sum(month.paper_count for month in months)
    report.state = "done" if not report.problems else "partial" if papers else "failed"
    result.state = {"done": "ok"}.get(report.state, report.state)
    result.error = report.problems[0] if report.problems else None
    report.numbers = {"papers": papers, "requests": result.requests, "bytes": result.bytes}
    report.numbers |= {name: getattr(result, name) for name in ("found", *OUTCOMES)}
    report.line = f"{period.name}, {papers} papers of {result.source_id}, {result.new} of them new"
    if report.problems:
        report.line += f"; incomplete: {report.problems[-1]}"


@dataclass(frozen=True, slots=True)
class DayProgress:
    """How far a day was read. `keys` are its papers so far, of which `late` belong to the next day."""

    day: str
    total: int | None = None
    offset: int = 0
    late: int = 0
    keys: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return self.total is not None and self.offset >= self.total

    def advance(self, page: ParsedPage, end: datetime) -> DayProgress | None:
        """Return the progress after one more page, or None when the day has to be read again.

        That is when its total changed, or a paper is missing.
        """
        total = page.total if self.total is None else self.total
        keys = [*self.keys, *(item.key for item in page.items), *(entry.url for entry in page.rejected)]
        late = sum(item.published is not None and item.published >= end for item in page.items)
        progress = DayProgress(self.day, total, self.offset + page.found_count, self.late + late, keys)
        has_changed = page.total != total or (not page.found_count and not progress.is_done)
        return None if has_changed or (progress.is_done and len(set(keys)) != total) else progress


class MonthBackfill:
    """The backfill of one month of a source. `problems` names what could not be read."""

    def __init__(self, services: FetchServices, source: Source, month: Period, result: SourceResult) -> None:
        self._services = services
        self._db = services.context.db
        self._now = services.context.now
        self._source = source
        self._month = month
        self._result = result
        self._reader = WindowReader(services, source, result, ARXIV_PAUSE)
        self._started = time.monotonic()
        self._checkpoint_name = f"backfill:{source.id}:{month.name}"
        self._settled_days: dict[str, int] = {}  # day to number of papers
        self._unsettled_days: dict[str, int] = {}  # days that may still grow
        self._progress: DayProgress | None = None
        self._is_complete = False
        self._is_empty: bool | None = None  # None until a day without papers asks
        self.problems: list[str] = []
        self.has_given_up = False

    @property
    def paper_count(self) -> int:
        """Count the month's papers as far as they were read."""
        return sum(self._settled_days.values()) + sum(self._unsettled_days.values())

    async def run(self, step: Callable[[int], None]) -> None:
        """Read the missing days, then compare their papers with arXiv's total."""
        self._load_checkpoint()
        if self._is_complete:
            step(len(self._list_day_starts()))
            return
        await self._read_days(step)
        if not self.problems:
            await self._verify_total()

    async def _read_days(self, step: Callable[[int], None]) -> None:
        failures = 0
        last_error: SourceError | None = None
        for start in self._list_day_starts():
            if self._is_empty:
                self._get_days(start)[_format_day(start)] = 0
            elif _format_day(start) not in self._settled_days and failures < _MAX_FAILED_DAYS:
                try:
                    await self._read_day(start)
                    failures = 0
                except SourceError as error:
                    last_error = error
                    failures = _MAX_FAILED_DAYS if _is_blocked(error) else failures + 1
                    self.problems.append(f"{_format_day(start)}: {error.message}")
            step(1)
        if failures >= _MAX_FAILED_DAYS:
            self.has_given_up = True
            is_blocked = _is_blocked(last_error)
            reason = "arXiv wants no more requests" if is_blocked else f"{_MAX_FAILED_DAYS} days in a row failed"
            self.problems.append(f"{self._month.name}: stopped, because {reason}; run `digest backfill` again later")

    def _list_day_starts(self) -> list[datetime]:
        """List the first moments of the month's days that have begun."""
        first, days = self._month.start(), (self._month.end() - self._month.start()).days
        return [start for n in range(days) if (start := first + n * _DAY) < self._now]

    def _is_settled(self, start: datetime) -> bool:
        return start + _DAY + SETTLING_TIME <= self._now

    def _get_days(self, start: datetime) -> dict[str, int]:
        return self._settled_days if self._is_settled(start) else self._unsettled_days

    async def _read_day(self, start: datetime) -> None:
        """Read a day's pages from its checkpoint, and from its beginning when they do not add up."""
        for _ in range(_MAX_RESTARTS):
            if self._progress is None or self._progress.day != _format_day(start):
                self._progress = DayProgress(_format_day(start))
            while self._progress is not None:
                page = await self._fetch_page(start, self._progress.offset)
                if await asyncio.to_thread(self._store_page, page, start):
                    return
        raise ParseError("arXiv's total for the day keeps changing", "try again between 05:00 and 12:00 UTC")

    async def _fetch_page(self, start: datetime, offset: int) -> ParsedPage:
        """Fetch one page of a day, whose window ends with the first minute of the next day, so that none is lost."""
        empty_responses = 0

        async def attempt() -> ParsedPage:
            nonlocal empty_responses
            page = await self._reader.read(start, min(start + _DAY, self._now), offset)
            if offset or page.total:
                return page
            if self._is_empty is None:
                self._is_empty = await self._reader.is_empty(self._month.start(), min(self._month.end(), self._now))
            empty_responses += 1
            if empty_responses < _MAX_EMPTY_RESPONSES and not self._is_empty:
                raise ParseError("arXiv says that there are 0 papers")
            return page

        return await retry_fetch(attempt, attempts=_MAX_ATTEMPTS, sleep=self._services.sleep)

    def _store_page(self, page: ParsedPage, start: datetime) -> bool:
        """Store a page's papers together with the checkpoint; return whether the day is done."""
        assert self._progress is not None
        progress = self._progress.advance(page, start + _DAY)
        is_done = progress is not None and progress.is_done
        if progress is not None and is_done:
            self._get_days(start)[progress.day] = len(progress.keys) - progress.late
        self._progress = None if is_done else progress
        with self._db.write() as session:
            add_outcomes(self._result, page, ingest_items(session, page.items))
            self._result.seconds = round(time.monotonic() - self._started, 3)
            save_source_results(session, self._result)
            save_checkpoint(session, self._checkpoint_name, self._build_checkpoint(), self._now)
        return is_done

    async def _verify_total(self) -> None:
        """Compare the settled days with arXiv's total for them all.

        If papers are missing, the next run reads the empty days again, or all days if none is empty.
        """
        settled = [start for start in self._list_day_starts() if self._is_settled(start)]
        if not settled:
            return
        have, total = sum(self._settled_days.values()), 0
        if not self._is_empty:
            attempt = partial(self._reader.count_papers, self._month.start(), settled[-1] + _DAY - _MINUTE)
            try:
                total = await retry_fetch(attempt, attempts=_MAX_ATTEMPTS, sleep=self._services.sleep)
            except SourceError as error:
                self.problems.append(f"{self._month.name}: {error.message}")
                return
        if have < total:
            self.problems.append(f"{self._month.name}: arXiv counts {total} papers, {have} were found")
            has_empty_days = 0 in self._settled_days.values()
            self._settled_days = {day: count for day, count in self._settled_days.items() if count and has_empty_days}
        self._is_complete = have >= total and self._is_settled(self._month.end() - _DAY)
        with self._db.write() as session:
            save_checkpoint(session, self._checkpoint_name, self._build_checkpoint(), self._now)

    def _build_checkpoint(self) -> dict[str, Any]:
        progress = asdict(self._progress) if self._progress else None
        categories = sorted(self._source.categories)
        return {"categories": categories, "days": self._settled_days, "place": progress, "complete": self._is_complete}

    def _load_checkpoint(self) -> None:
        """Go on from the checkpoint, unless it was made with other categories."""
        with self._db.read() as session:
            checkpoint = load_checkpoint(session, self._checkpoint_name)
        if checkpoint.get("categories") == sorted(self._source.categories):
            self._settled_days = dict(checkpoint["days"])
            self._progress = DayProgress(**checkpoint["place"]) if checkpoint["place"] else None
            self._is_complete = checkpoint["complete"]


def _is_blocked(error: SourceError | None) -> bool:
    """Return whether arXiv refuses requests: by 403, or by a long Retry-After (info.arxiv.org/help/robots.html)."""
    return isinstance(error, FetchError) and (error.status == 403 or is_retry_after_too_long(error))


def _format_day(start: datetime) -> str:
    return f"{start:%Y-%m-%d}"
