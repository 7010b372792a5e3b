"""One month of arXiv, day by day: where it stands is a checkpoint, written in the transaction of each page's papers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from digest.config import Source
from digest.errors import FetchError, ParseError, SourceError
from digest.fetch.patience import is_retry_after_too_long, retry_fetch
from digest.models import SourceResult
from digest.periods import Period
from digest.pipeline.intake import ingest_items
from digest.pipeline.keeping import add_outcomes
from digest.pipeline.reading import ParsedPage, parse_response, parse_window, to_plain_source
from digest.pipeline.visit import FetchServices
from digest.ports import Request
from digest.sources import build_window_request
from digest.store import ledger, sources

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
        return await tools.parser_pool.run(
            reader, to_plain_source(self._source), response, tools.context.now, subject=self._source.id
        )

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
            ledger.save_source_results(session, self._result)
            sources.save_checkpoint(session, self._checkpoint_name, self._build_checkpoint(), context.now)
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
            sources.save_checkpoint(session, self._checkpoint_name, self._build_checkpoint(), context.now)

    def _build_checkpoint(self) -> dict[str, Any]:
        place = asdict(self._progress) if self._progress else None
        categories = sorted(self._source.categories)
        return {"categories": categories, "days": self._settled_days, "place": place, "complete": self._is_complete}

    def _load_checkpoint(self) -> None:
        """Go on from the checkpoint, unless it was made with other categories."""
        with self._services.context.db.read() as session:
            value: Mapping[str, Any] = sources.load_checkpoint(session, self._checkpoint_name)
        if value.get("categories") == sorted(self._source.categories):
            self._settled_days = dict(value["days"])
            self._progress = DayProgress(**value["place"]) if value["place"] else None
            self._is_complete = value["complete"]


def _is_blocked(error: SourceError | None) -> bool:
    """arXiv blocks addresses with 403, and takes more requests for an attack (info.arxiv.org/help/robots.html)."""
    return isinstance(error, FetchError) and (error.status == 403 or is_retry_after_too_long(error))


def _format_day(start: datetime) -> str:
    return f"{start:%Y-%m-%d}"
