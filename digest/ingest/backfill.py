"""Past months of arXiv with checkpoints.

One month of arXiv, day by day: where it stands is a checkpoint, written in the transaction of each page's papers.

Past months from arXiv: a window for each day, page by page, each page stored with its checkpoint, totals verified.

arXiv answers a window with nothing, HTML, a short page or another total now and then, so nothing it says is believed
until a day's papers are as many as its total, and the days of a month no fewer than the month's.
The `arxiv` package is not used here: it takes such answers for "0 papers", stops at 100 results unless told
otherwise, ignores Retry-After, and its pauses hold within one object, not between processes (arxiv.py 4.0.2).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from digest.config.schema import Source
from digest.context import Context, record_run
from digest.db.locks import hold_lock
from digest.db.runs import OUTCOMES, save_source_results
from digest.db.sources import load_checkpoint, save_checkpoint
from digest.errors import ConfigError, FetchError, ParseError, SourceError, StoreError
from digest.http.retry import is_retry_after_too_long, retry_fetch
from digest.ingest.fetch import select_sources
from digest.ingest.parser import ParsedPage, parse_response, parse_window
from digest.ingest.parser_process import ParserPool
from digest.ingest.source_fetch import FetchServices
from digest.ingest.store import ingest_items
from digest.ingest.writer import BatchWriter, add_outcomes
from digest.models.runs import SourceResult
from digest.periods import Period
from digest.protocols import Report, Request
from digest.sources.arxiv.api import build_window_request

ARXIV_PAUSE = 10.0  # arXiv asks for 3 s; long harvests at 3-5 s got their address throttled, at 10-15 s they did not
SETTLING_TIME = timedelta(days=5)  # moderation holds papers back; a younger day is asked again the next time
_MAX_ATTEMPTS = 6
_MAX_EMPTY_RESPONSES = 3  # in a row, until an empty window is believed for now; the month's total has the last word
_MAX_RESTARTS = 4  # of a day whose total moves while it is read
_MAX_FAILED_DAYS = 3  # failed days in a row: arXiv is down, or does not want us
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DayProgress:
    """How far a day has been read. `keys` are the papers seen, `late` how many of them belong to the next day."""

    day: str
    total: int | None = None
    offset: int = 0
    late: int = 0
    keys: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return self.total is not None and self.offset >= self.total

    def advance(self, parsed_page: ParsedPage, end: datetime) -> DayProgress | None:
        """The place after one more page; None to read the day again: its total moved, or a paper is missing."""
        total = parsed_page.total if self.total is None else self.total
        keys = [*self.keys, *(item.key for item in parsed_page.items), *(lost.url for lost in parsed_page.rejected)]
        late = sum(item.published is not None and item.published >= end for item in parsed_page.items)
        place = DayProgress(self.day, total, self.offset + parsed_page.found_count, self.late + late, keys)
        moved = parsed_page.total != total or (not parsed_page.found_count and not place.is_done)
        return None if moved or (place.is_done and len(set(keys)) != total) else place


class MonthBackfill:
    """A month of one source. `fill()` reads what is missing; `problems` says what could not be had."""

    def __init__(self, tools: FetchServices, source: Source, month: Period, count: SourceResult) -> None:
        self._services = tools
        self._source = source
        self._month = month
        self._result = count
        self._started = time.monotonic()
        self._checkpoint_name = f"backfill:{source.id}:{month.name}"
        self._settled_days: dict[str, int] = {}  # settled days and their papers
        self._unsettled_days: dict[str, int] = {}  # days that may still grow
        self._progress: DayProgress | None = None
        self._is_complete = False
        self.problems: list[str] = []
        self.has_given_up = False

    @property
    def paper_count(self) -> int:
        """How many papers the month is known to hold."""
        return sum(self._settled_days.values()) + sum(self._unsettled_days.values())

    async def run(self, step: Callable[[int], None]) -> None:
        """Read the days that are not done, then check that together they hold what arXiv says they hold."""
        self._load_checkpoint()
        if self._is_complete:
            step(len(self._list_day_starts()))
            return
        await self._read_days(step)
        if not self.problems:
            await self._verify_total()

    async def _read_days(self, step: Callable[[int], None]) -> None:
        failures = 0
        last: SourceError | None = None
        for start in self._list_day_starts():
            if _format_day(start) not in self._settled_days and failures < _MAX_FAILED_DAYS:
                try:
                    await self._read_day(start)
                    failures = 0
                except SourceError as error:
                    last = error
                    failures = _MAX_FAILED_DAYS if _is_blocked(error) else failures + 1
                    self.problems.append(f"{_format_day(start)}: {error.message}")
            step(1)
        if failures >= _MAX_FAILED_DAYS:
            self.has_given_up = True
            why = "arXiv wants no more requests" if _is_blocked(last) else f"{_MAX_FAILED_DAYS} days in a row failed"
            self.problems.append(f"{self._month.name}: given up, because {why}; `digest backfill` goes on another time")

    def _list_day_starts(self) -> list[datetime]:
        """The first moments of the month's days, as far as they have begun."""
        first, days = self._month.start(), (self._month.end() - self._month.start()).days
        return [start for n in range(days) if (start := first + n * _DAY) < self._services.context.now]

    def _is_settled(self, start: datetime) -> bool:
        return start + _DAY + SETTLING_TIME <= self._services.context.now

    async def _read_day(self, start: datetime) -> None:
        """Page by page from where it stands, and from its beginning when that does not add up."""
        for _ in range(_MAX_RESTARTS):
            if self._progress is None or self._progress.day != _format_day(start):
                self._progress = DayProgress(_format_day(start))
            while self._progress is not None:
                reading = await self._fetch_page(start, self._progress.offset)
                if await asyncio.to_thread(self._store_page, reading, start):
                    return
        raise ParseError("arXiv's total for the day keeps changing", "try again between 05:00 and 12:00 UTC")

    async def _fetch_page(self, start: datetime, offset: int) -> ParsedPage:
        """One page of a day. The window ends with the next day's first minute, so that no second falls between two."""
        end = min(start + _DAY, self._services.context.now)
        request = build_window_request(self._source, start, end, offset)
        empty = 0

        async def attempt() -> ParsedPage:
            nonlocal empty
            reading = await self._request_and_parse(request, parse_window)
            if not offset and not reading.total and (empty := empty + 1) < _MAX_EMPTY_RESPONSES:
                raise ParseError("arXiv says that there are 0 papers")
            return reading

        return await retry_fetch(attempt, attempts=_MAX_ATTEMPTS, sleep=self._services.sleep)

    async def _request_and_parse(self, request: Request, reader: Callable[..., ParsedPage]) -> ParsedPage:
        tools = self._services
        self._result.requests += 1
        response = await tools.fetcher(replace(request, min_pause=ARXIV_PAUSE))
        self._result.bytes += len(response.body)
        return await tools.parser_pool.run(reader, self._source, response, tools.context.now, subject=self._source.id)

    def _store_page(self, parsed_page: ParsedPage, start: datetime) -> bool:
        """Store a page's papers together with the checkpoint; True when it was the day's last."""
        assert self._progress is not None
        place = self._progress.advance(parsed_page, start + _DAY)
        done = place is not None and place.is_done
        if place is not None and done:
            days = self._settled_days if self._is_settled(start) else self._unsettled_days
            days[place.day] = len(place.keys) - place.late
        self._progress = None if done else place
        context = self._services.context
        with context.db.write() as session:
            add_outcomes(self._result, parsed_page, ingest_items(session, parsed_page.items))
            self._result.seconds = round(time.monotonic() - self._started, 3)
            save_source_results(session, self._result)
            save_checkpoint(session, self._checkpoint_name, self._build_checkpoint(), context.now)
        return done

    async def _verify_total(self) -> None:
        """The settled days against arXiv's total for them all; empty days, else all, are read again the next time."""
        first, settled = self._month.start(), [start for start in self._list_day_starts() if self._is_settled(start)]
        if not settled:
            return
        request = build_window_request(self._source, first, settled[-1] + _DAY - _MINUTE)
        try:
            reading = await retry_fetch(
                lambda: self._request_and_parse(request, parse_response),
                attempts=_MAX_ATTEMPTS,
                sleep=self._services.sleep,
            )
        except SourceError as error:
            self.problems.append(f"{self._month.name}: {error.message}")
            return
        have, total = sum(self._settled_days.values()), reading.total or 0
        if have < total:
            self.problems.append(f"{self._month.name}: arXiv counts {total} papers, {have} were found")
            self._settled_days = {
                day: papers for day, papers in self._settled_days.items() if papers and 0 in self._settled_days.values()
            }
        self._is_complete = have >= total and self._is_settled(self._month.end() - _DAY)
        context = self._services.context
        with context.db.write() as session:
            save_checkpoint(session, self._checkpoint_name, self._build_checkpoint(), context.now)

    def _build_checkpoint(self) -> dict[str, Any]:
        place = asdict(self._progress) if self._progress else None
        categories = sorted(self._source.categories)
        return {"categories": categories, "days": self._settled_days, "place": place, "complete": self._is_complete}

    def _load_checkpoint(self) -> None:
        """Go on from the checkpoint, unless it was made with other categories."""
        with self._services.context.db.read() as session:
            value: Mapping[str, Any] = load_checkpoint(session, self._checkpoint_name)
        if value.get("categories") == sorted(self._source.categories):
            self._settled_days = dict(value["days"])
            self._progress = DayProgress(**value["place"]) if value["place"] else None
            self._is_complete = value["complete"]


def _is_blocked(error: SourceError | None) -> bool:
    """arXiv blocks addresses with 403, and takes more requests for an attack (info.arxiv.org/help/robots.html)."""
    return isinstance(error, FetchError) and (error.status == 403 or is_retry_after_too_long(error))


def _format_day(start: datetime) -> str:
    return f"{start:%Y-%m-%d}"


async def backfill_arxiv(
    context: Context, period: Period, source_id: str = "", *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Report:
    """Fetch what was first submitted to arXiv in the months of `period`, with the categories of a source.

    `name` is an arXiv source, by default the first one. May be stopped and killed at any moment: the next call goes on
    after the last stored page. Days that cannot be had are in the report, which is then partial or failed.
    """
    source = select_arxiv_source(context, source_id)
    with hold_lock(context.db, f"backfill:{source.id}") as only:
        if not only:
            raise StoreError(f"another process is filling {source.id}", "wait for it, or stop it")
        with record_run(context, "backfill", period.name) as report:
            async with (
                aclosing(context.make_fetcher()) as fetcher,
                ParserPool() as workers,
                BatchWriter(context.db) as keeper,
            ):
                tools = FetchServices(context, fetcher, workers, keeper, report.run_id or 0, sleep)
                await _backfill_period(tools, source, period, report)
    return report


def select_arxiv_source(context: Context, source_id: str) -> Source:
    """The named source, or the first of an arXiv kind, as one of the query API. Raises ConfigError, NotFoundError."""
    offered = select_sources(context.config, [source_id]) if source_id else list(context.config.sources)
    for source in offered:
        if source.kind == "arxiv":
            return source
        if source.kind.startswith("arxiv"):
            return source.model_copy(update={"kind": "arxiv", "url": None})
    subject = f"the source {source_id!r} is no arXiv source" if source_id else "sources.yaml has no arXiv source"
    raise ConfigError(subject, "backfill works for sources of kind 'arxiv'")


async def _backfill_period(services: FetchServices, source: Source, period: Period, report: Report) -> None:
    context = services.context
    count = SourceResult(run_id=services.run_id, source_id=source.id, state="partial", at=context.now)
    spans = [span for span in period.months() if span.start() < context.now]
    months = [MonthBackfill(services, source, span, count) for span in spans]
    with context.progress.task(f"backfill {source.id}", sum((s.end() - s.start()).days for s in spans)) as step:
        for month in months:
            await month.run(step)
            if month.has_given_up:  # the others would only ask a server that is down, or does not want us
                break
    _summarise_backfill(report, count, months, period)
    with context.db.write() as session:
        save_source_results(session, count)


def _summarise_backfill(
    report: Report, source_result: SourceResult, months: Sequence[MonthBackfill], period: Period
) -> None:
    report.problems = [problem for month in months for problem in month.problems]
    papers = sum(month.paper_count for month in months)
    report.state = "done" if not report.problems else "partial" if papers else "failed"
    source_result.state = {"done": "ok"}.get(report.state, report.state)
    source_result.error = report.problems[0] if report.problems else None
    report.numbers = {"papers": papers, "requests": source_result.requests, "bytes": source_result.bytes}
    report.numbers |= {word: getattr(source_result, word) for word in ("found", *OUTCOMES)}
    report.line = f"{period.name}, {papers} papers of {source_result.source_id}, {source_result.new} of them new"
    if report.problems:
        report.line += f"; incomplete: {report.problems[-1]}"
