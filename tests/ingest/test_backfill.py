"""Backfill against a query API with arXiv's moods: nothing lost, nothing believed too soon, any stop resumed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import select

from digest.config.schema import Source
from digest.context import Context
from digest.db.locks import hold_lock
from digest.db.runs import count_unexplained
from digest.errors import ConfigError, StoreError
from digest.http.retry import retry_fetch
from digest.ingest.backfill import backfill_arxiv, select_arxiv_source
from digest.ingest.fetch import fetch_sources
from digest.models.items import Item
from digest.periods import Period
from digest.protocols import Report
from tests.http.server import Answer, Server, answer, serving
from tests.ingest.arxiv import ATOM, Arxiv
from tests.workbench import Clock, Inline, context, counts

MARCH = Period((2025, 3), (2025, 3))
LATER = datetime(2025, 6, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.ingest.backfill.ParserPool", Inline)


def papers(days: int = 31, each: int = 3, month: int = 3) -> dict[str, datetime]:
    """`each` papers on every day, the first at midnight sharp, the last in the day's last second."""
    out = {}
    for day in range(days):
        start = datetime(2025, month, 1, tzinfo=UTC) + day * DAY
        for n in range(each):
            out[f"25{month:02d}.{day * 1000 + n:05d}"] = start + (DAY - timedelta(seconds=1)) * n / max(each - 1, 1)
    return out


def source(server: Server) -> Source:
    return Source(id="arxiv", kind="arxiv", url=server.url("/api"), categories=("cs.CL",), allow_private=True)


def keys(work: Context) -> set[str]:
    with work.db.read() as session:
        return {key.removeprefix("arxiv:") for key in session.exec(select(Item.key))}


class Naps:
    """Keeps the pauses instead of taking them."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


async def run(work: Context, period: Period = MARCH) -> Report:
    return await backfill_arxiv(work, period, sleep=Naps())


async def test_a_month_is_stored_whole_and_counted(tmp_path: Path, server: Server) -> None:
    server.otherwise = arxiv = Arxiv(papers())
    work = context(tmp_path, [source(server)], Clock(LATER))
    report = await run(work)
    assert (report.state, report.numbers["papers"], report.problems) == ("done", 93, [])
    assert keys(work) == set(arxiv.papers)
    count = counts(work, report.run_id)["arxiv"]
    assert (count.new, count.state, count_unexplained(count)) == (93, "ok", 0)


async def test_a_month_that_is_complete_is_not_asked_for_again(tmp_path: Path, server: Server) -> None:
    server.otherwise = Arxiv(papers())
    work = context(tmp_path, [source(server)], Clock(LATER))
    await run(work)
    server.asked.clear()
    report = await run(work)
    assert (report.state, report.numbers["papers"], server.asked) == ("done", 93, [])


async def test_a_busy_day_is_read_page_by_page(tmp_path: Path, server: Server) -> None:
    server.otherwise = arxiv = Arxiv(papers(each=450, days=2))
    work = context(tmp_path, [source(server)], Clock(LATER))
    await run(work)
    assert keys(work) == set(arxiv.papers)
    assert ("20250301", 400) in arxiv.windows


EMPTY = Arxiv({}).page("0", "0", 0, 100)
MOODS: dict[str, list[Answer | None]] = {
    "an empty feed": [answer(200, ATOM, EMPTY)] * 2,
    "HTML": [answer(200, [("Content-Type", "text/html")], b"<html><body>Sorry</body></html>")] * 3,
    "text": [answer(200, [], b"Rate exceeded.")] * 2,
    "an empty body": [answer(200)],
    "slow down": [answer(429, [("Retry-After", "30")])] * 3,
    "not available": [answer(503)] * 4,
    "an error": [answer(500), answer(502)],
    "a cut body": [answer(200, ATOM, EMPTY, length=9999)],
    "trouble all along": [answer(503), None] * 40,
}


@pytest.mark.parametrize("mood", MOODS)
async def test_a_mood_of_arxiv_costs_time_and_no_paper(tmp_path: Path, server: Server, mood: str) -> None:
    server.otherwise = arxiv = Arxiv(papers(), MOODS[mood])
    work = context(tmp_path, [source(server)], Clock(LATER))
    report = await run(work)
    assert (report.state, report.problems) == ("done", [])
    assert keys(work) == set(arxiv.papers)


async def test_retry_after_is_honoured(tmp_path: Path, server: Server) -> None:
    server.otherwise = Arxiv(papers(), [answer(429, [("Retry-After", "77")])])
    naps = Naps()
    await backfill_arxiv(context(tmp_path, [source(server)], Clock(LATER)), MARCH, sleep=naps)
    assert naps.taken
    assert max(naps.taken) >= 77


async def test_papers_hidden_by_empty_answers_are_missed_and_fetched_the_next_time(
    tmp_path: Path, server: Server
) -> None:
    empty = answer(200, ATOM, EMPTY)
    server.otherwise = arxiv = Arxiv(papers(), [empty, None, empty, empty])
    work = context(tmp_path, [source(server)], Clock(LATER))
    report = await run(work)
    assert report.state == "partial"
    assert "arXiv counts 93 papers, 90 were found" in report.problems[0]
    assert len(keys(work)) == 90
    report = await run(work)
    assert (report.state, keys(work)) == ("done", set(arxiv.papers))


async def test_a_month_of_empty_answers_is_a_failure_never_no_papers(tmp_path: Path, server: Server) -> None:
    server.otherwise = Arxiv({})
    work = context(tmp_path, [source(server)], Clock(LATER))
    report = await run(work)
    assert report.state == "failed"
    assert report.problems


async def test_an_empty_month_is_accepted_when_the_months_around_it_hold_all_papers(
    tmp_path: Path, server: Server
) -> None:
    server.otherwise = arxiv = Arxiv({"2501.00001": datetime(2025, 1, 5, tzinfo=UTC), "2504.00001": LATER})
    report = await run(context(tmp_path, [source(server)], Clock(LATER)))
    assert (report.state, report.numbers["papers"]) == ("done", 0)
    assert len(arxiv.windows) == 5


async def test_an_empty_answer_for_a_month_is_not_believed_when_the_other_months_lack_papers(
    tmp_path: Path, server: Server
) -> None:
    server.otherwise = arxiv = Arxiv(papers(), [answer(200, ATOM, EMPTY)] * 2)
    work = context(tmp_path, [source(server)], Clock(LATER))
    assert (await run(work)).state == "done"
    assert keys(work) == set(arxiv.papers)


async def test_days_that_are_truly_empty_are_believed_when_the_months_total_agrees(
    tmp_path: Path, server: Server
) -> None:
    server.otherwise = Arxiv({key: at for key, at in papers().items() if at.day % 7})
    work = context(tmp_path, [source(server)], Clock(LATER))
    assert (await run(work)).state == "done"


async def test_a_fetch_accepts_an_empty_window_when_arxiv_holds_only_older_papers(
    tmp_path: Path, server: Server
) -> None:
    server.otherwise = Arxiv({"2501.00001": datetime(2025, 1, 5, tzinfo=UTC)})
    report = await fetch_sources(context(tmp_path, [source(server)], Clock(LATER)))
    assert (report.state, report.numbers["found"]) == ("done", 0)


async def test_a_fetch_fails_when_arxiv_answers_no_papers_to_every_window(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.ingest.source_fetch.retry_fetch", partial(retry_fetch, first_wait=0.001))
    server.otherwise = Arxiv({})
    report = await fetch_sources(context(tmp_path, [source(server)], Clock(LATER)))
    assert report.state == "failed"
    assert "0 papers to a window that can't be empty" in report.problems[0]


async def test_an_outage_ends_the_run_early_and_keeps_what_was_read(tmp_path: Path, server: Server) -> None:
    good: list[Answer | None] = [None] * 10
    server.otherwise = arxiv = Arxiv(papers(), [*good, *[answer(503)] * 500])
    work = context(tmp_path, [source(server)], Clock(LATER))
    report = await run(work)
    assert (report.state, len(keys(work))) == ("partial", 31)  # with the 11th's first paper, at midnight
    assert len(server.asked) < 40
    arxiv.faults.clear()
    server.asked.clear()
    assert (await run(work)).state == "done"
    assert keys(work) == set(arxiv.papers)
    assert len(server.asked) == 22  # the other 21 days, and the month's total


@pytest.mark.parametrize("word", [answer(403), answer(429, [("Retry-After", "3600")])], ids=["403", "an hour"])
async def test_a_server_that_wants_no_more_is_asked_no_more(tmp_path: Path, server: Server, word: Answer) -> None:
    server.otherwise = Arxiv(papers(), [None, *[word] * 50])
    work = context(tmp_path, [source(server)], Clock(LATER))
    report = await run(work, Period((2025, 3), (2025, 5)))
    assert (report.state, len(server.asked)) == ("partial", 2)
    assert "arXiv wants no more requests" in report.problems[-1]


async def test_an_outage_ends_the_run_for_all_its_months(tmp_path: Path, server: Server) -> None:
    server.otherwise = answer(500)
    work = context(tmp_path, [source(server)], Clock(LATER))
    report = await run(work, Period((2025, 3), (2025, 5)))
    assert (report.state, len(server.asked)) == ("failed", 18)  # three days, six times each
    assert "3 days in a row failed" in report.problems[-1]


async def test_a_day_whose_total_moves_is_read_again(tmp_path: Path, server: Server) -> None:
    server.otherwise = arxiv = Arxiv(papers(each=250, days=1))

    def arrive(asked: int) -> None:
        if asked == 2:
            arxiv.papers["2503.99999"] = datetime(2025, 3, 1, 0, 0, 1, tzinfo=UTC)

    arxiv.after = arrive
    work = context(tmp_path, [source(server)], Clock(LATER))
    report = await run(work)
    assert (report.state, keys(work)) == ("done", set(arxiv.papers))
    assert arxiv.windows[:4] == [("20250301", 0), ("20250301", 200), ("20250301", 0), ("20250301", 200)]


async def test_young_days_are_asked_again_the_next_time(tmp_path: Path, server: Server) -> None:
    server.otherwise = arxiv = Arxiv({key: at for key, at in papers().items() if at.day != 28})
    clock = Clock(datetime(2025, 4, 1, 8, tzinfo=UTC))
    work = context(tmp_path, [source(server)], clock)
    assert (await run(work)).state == "done"
    arxiv.papers |= papers()  # moderation let the 28th go late
    clock.forward(days=10)
    assert ((await run(work)).state, keys(work)) == ("done", set(arxiv.papers))


async def test_a_month_to_come_is_not_asked_for(tmp_path: Path, server: Server) -> None:
    server.otherwise = Arxiv(papers())
    work = context(tmp_path, [source(server)], Clock(datetime(2025, 2, 1, tzinfo=UTC)))
    await run(work)
    assert server.asked == []


async def test_other_categories_start_afresh(tmp_path: Path, server: Server) -> None:
    server.otherwise = Arxiv(papers())
    await run(context(tmp_path, [source(server)], Clock(LATER)))
    server.asked.clear()
    other = source(server).model_copy(update={"categories": ("cs.LG", "cs.CL")})
    await run(context(tmp_path, [other], Clock(LATER)))
    assert len(server.asked) == 32


async def test_two_processes_do_not_fill_one_source(tmp_path: Path, server: Server) -> None:
    work = context(tmp_path, [source(server)], Clock(LATER))
    with hold_lock(work.db, "backfill:arxiv"), pytest.raises(StoreError, match="another process"):
        await run(work)


def test_a_source_for_backfill_is_one_of_arxiv(tmp_path: Path) -> None:
    feed = Source(id="blog", kind="feed", url="https://example.org/")
    oai = Source(id="oai", kind="arxiv-oai", categories=("cs.CL",))
    work = context(tmp_path, [feed, oai])
    assert (select_arxiv_source(work, "").id, select_arxiv_source(work, "oai").kind) == ("oai", "arxiv")
    with pytest.raises(ConfigError, match="'blog' is no arXiv source"):
        select_arxiv_source(work, "blog")


SCRIPT = """
import asyncio, sys
from pathlib import Path
from datetime import UTC, datetime
from digest.config.schema import Source
from digest.ingest.backfill import backfill_arxiv
from tests.ingest.test_backfill import LATER, MARCH
from tests.workbench import Clock, context
source = Source(id="arxiv", kind="arxiv", url=sys.argv[2], categories=("cs.CL",), allow_private=True)
asyncio.run(backfill_arxiv(context(Path(sys.argv[1]), [source], Clock(LATER)), MARCH))
"""


async def test_a_backfill_killed_in_mid_day_goes_on_after_the_last_stored_page(tmp_path: Path, server: Server) -> None:
    server.otherwise = arxiv = Arxiv(papers(each=450, days=3))
    server.delay = 0.02
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SCRIPT, str(tmp_path), server.url("/api"), env=environment
    )
    until = time.monotonic() + 30
    while len(arxiv.windows) < 6 and time.monotonic() < until:
        await asyncio.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    begun, before = list(arxiv.windows), len(arxiv.papers)
    work = context(tmp_path, [source(server)], Clock(LATER))
    assert work.db.check_integrity() == []
    assert 0 < len(keys(work)) < before
    arxiv.windows.clear()
    assert (await run(work)).state == "done"
    assert keys(work) == set(arxiv.papers)
    assert not set(begun[1:4]) & set(arxiv.windows)  # stored pages are not read twice
