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
from digest.fetch.patience import patiently, wants_peace
from digest.models import Count
from digest.periods import Period
from digest.pipeline.intake import take_in
from digest.pipeline.keeping import tally
from digest.pipeline.reading import Reading, plain, read, read_window
from digest.pipeline.visit import Tools
from digest.ports import Request
from digest.sources import window_request
from digest.store import ledger, sources

PAUSE = 10.0  # arXiv asks for 3 s; long harvests at 3-5 s got their address throttled, at 10-15 s they did not
SETTLED = timedelta(days=5)  # moderation holds papers back; a younger day is asked again the next time
_ATTEMPTS = 6
_EMPTY_ANSWERS = 3  # in a row, until an empty window is believed for now; the month's total has the last word
_RESTARTS = 4  # of a day whose total moves while it is read
_GIVE_UP = 3  # failed days in a row: arXiv is down, or does not want us
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a day has been read. `keys` are the papers seen, `late` how many of them belong to the next day."""

    day: str
    total: int | None = None
    offset: int = 0
    late: int = 0
    keys: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.total is not None and self.offset >= self.total

    def after(self, reading: Reading, end: datetime) -> Place | None:
        """The place after one more page; None to read the day again: its total moved, or a paper is missing."""
        total = reading.total if self.total is None else self.total
        keys = [*self.keys, *(item.key for item in reading.prepared), *(lost.url for lost in reading.rejected)]
        late = sum(item.published is not None and item.published >= end for item in reading.prepared)
        place = Place(self.day, total, self.offset + reading.found, self.late + late, keys)
        moved = reading.total != total or (not reading.found and not place.done)
        return None if moved or (place.done and len(set(keys)) != total) else place


class Month:
    """A month of one source. `fill()` reads what is missing; `problems` says what could not be had."""

    def __init__(self, tools: Tools, source: Source, month: Period, count: Count) -> None:
        self._tools = tools
        self._source = source
        self._month = month
        self._count = count
        self._began = time.monotonic()
        self._name = f"backfill:{source.id}:{month.name}"
        self._days: dict[str, int] = {}  # settled days and their papers
        self._young: dict[str, int] = {}  # days that may still grow
        self._place: Place | None = None
        self._complete = False
        self.problems: list[str] = []
        self.gave_up = False

    @property
    def papers(self) -> int:
        """How many papers the month is known to hold."""
        return sum(self._days.values()) + sum(self._young.values())

    async def fill(self, step: Callable[[int], None]) -> None:
        """Read the days that are not done, then check that together they hold what arXiv says they hold."""
        self._load()
        if self._complete:
            step(len(self._starts()))
            return
        await self._read_days(step)
        if not self.problems:
            await self._check()

    async def _read_days(self, step: Callable[[int], None]) -> None:
        failures = 0
        last: SourceError | None = None
        for start in self._starts():
            if _day(start) not in self._days and failures < _GIVE_UP:
                try:
                    await self._read_day(start)
                    failures = 0
                except SourceError as error:
                    last = error
                    failures = _GIVE_UP if _is_unwelcome(error) else failures + 1
                    self.problems.append(f"{_day(start)}: {error.message}")
            step(1)
        if failures >= _GIVE_UP:
            self.gave_up = True
            why = "arXiv wants no more requests" if _is_unwelcome(last) else f"{_GIVE_UP} days in a row failed"
            self.problems.append(f"{self._month.name}: given up, because {why}; `digest backfill` goes on another time")

    def _starts(self) -> list[datetime]:
        """The first moments of the month's days, as far as they have begun."""
        first, days = self._month.start(), (self._month.end() - self._month.start()).days
        return [start for n in range(days) if (start := first + n * _DAY) < self._tools.context.now]

    def _settled(self, start: datetime) -> bool:
        return start + _DAY + SETTLED <= self._tools.context.now

    async def _read_day(self, start: datetime) -> None:
        """Page by page from where it stands, and from its beginning when that does not add up."""
        for _ in range(_RESTARTS):
            if self._place is None or self._place.day != _day(start):
                self._place = Place(_day(start))
            while self._place is not None:
                reading = await self._page(start, self._place.offset)
                if await asyncio.to_thread(self._keep, reading, start):
                    return
        raise ParseError("arXiv's total for the day keeps changing", "try again between 05:00 and 12:00 UTC")

    async def _page(self, start: datetime, offset: int) -> Reading:
        """One page of a day. The window ends with the next day's first minute, so that no second falls between two."""
        end = min(start + _DAY, self._tools.context.now)
        request = window_request(self._source, start, end, offset)
        empty = 0

        async def attempt() -> Reading:
            nonlocal empty
            reading = await self._ask(request, read_window)
            if not offset and not reading.total and (empty := empty + 1) < _EMPTY_ANSWERS:
                raise ParseError("arXiv says that there are 0 papers")
            return reading

        return await patiently(attempt, attempts=_ATTEMPTS, sleep=self._tools.sleep)

    async def _ask(self, request: Request, reader: Callable[..., Reading]) -> Reading:
        tools = self._tools
        self._count.requests += 1
        response = await tools.fetcher(replace(request, pause=PAUSE))
        self._count.bytes += len(response.body)
        return await tools.workers.run(
            reader, plain(self._source), response, tools.context.now, subject=self._source.id
        )

    def _keep(self, reading: Reading, start: datetime) -> bool:
        """Store a page's papers together with the checkpoint; True when it was the day's last."""
        assert self._place is not None
        place = self._place.after(reading, start + _DAY)
        done = place is not None and place.done
        if place is not None and done:
            days = self._days if self._settled(start) else self._young
            days[place.day] = len(place.keys) - place.late
        self._place = None if done else place
        context = self._tools.context
        with context.db.write() as session:
            tally(self._count, reading, take_in(session, reading.prepared))
            self._count.seconds = round(time.monotonic() - self._began, 3)
            ledger.record(session, self._count)
            sources.set_checkpoint(session, self._name, self._value(), context.now)
        return done

    async def _check(self) -> None:
        """The settled days against arXiv's total for them all; empty days, else all, are read again the next time."""
        first, settled = self._month.start(), [start for start in self._starts() if self._settled(start)]
        if not settled:
            return
        request = window_request(self._source, first, settled[-1] + _DAY - _MINUTE)
        try:
            reading = await patiently(lambda: self._ask(request, read), attempts=_ATTEMPTS, sleep=self._tools.sleep)
        except SourceError as error:
            self.problems.append(f"{self._month.name}: {error.message}")
            return
        have, total = sum(self._days.values()), reading.total or 0
        if have < total:
            self.problems.append(f"{self._month.name}: arXiv counts {total} papers, {have} were found")
            self._days = {day: papers for day, papers in self._days.items() if papers and 0 in self._days.values()}
        self._complete = have >= total and self._settled(self._month.end() - _DAY)
        context = self._tools.context
        with context.db.write() as session:
            sources.set_checkpoint(session, self._name, self._value(), context.now)

    def _value(self) -> dict[str, Any]:
        place = asdict(self._place) if self._place else None
        categories = sorted(self._source.categories)
        return {"categories": categories, "days": self._days, "place": place, "complete": self._complete}

    def _load(self) -> None:
        """Go on from the checkpoint, unless it was made with other categories."""
        with self._tools.context.db.read() as session:
            value: Mapping[str, Any] = sources.checkpoint(session, self._name)
        if value.get("categories") == sorted(self._source.categories):
            self._days = dict(value["days"])
            self._place = Place(**value["place"]) if value["place"] else None
            self._complete = value["complete"]


def _is_unwelcome(error: SourceError | None) -> bool:
    """arXiv blocks addresses with 403, and takes more requests for an attack (info.arxiv.org/help/robots.html)."""
    return isinstance(error, FetchError) and (error.status == 403 or wants_peace(error))


def _day(start: datetime) -> str:
    return f"{start:%Y-%m-%d}"
