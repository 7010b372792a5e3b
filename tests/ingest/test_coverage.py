"""A month is read whole before it is drafted: fetches and backfills are counted day by day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from digest.config.schema import Source
from digest.context import Context
from digest.drafts.stage import draft_issue
from digest.errors import CheckFailedError
from digest.ingest import coverage
from digest.ingest.backfill import backfill_arxiv
from digest.ingest.coverage import complete_period, describe_missing_days, find_missing_days, list_missing_days
from digest.ingest.fetch import fetch_sources
from digest.ingest.staleness import describe_stale_sources, find_sources_stale_at_end
from digest.models.items import Item, Mention
from digest.periods import Period
from digest.ranking.stage import rank_period
from tests.http.server import Server, answer, serving
from tests.ingest.arxiv import Arxiv
from tests.ingest.test_backfill import Naps, keys, papers
from tests.workbench import Clock, Inline, context

MARCH = Period((2025, 3), (2025, 3))
REACH = timedelta(days=7)


def at(month: int, day: int, hour: int = 6) -> datetime:
    return datetime(2025, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fetches", "read", "now", "missing"),
    [
        ([], [], at(4, 1), 31),
        ([at(4, 1)], [], at(4, 1), 25),  # the first fetch reaches back to 25 March, 06:00
        ([at(2, 27), *(at(3, n) for n in range(2, 32, 3)), at(4, 1)], [], at(4, 1), 0),
        ([at(2, 27), at(3, 5), at(3, 20), at(4, 1)], [], at(4, 1), 9 + 6),  # two gaps longer than a fetch reaches
        ([at(2, 27), *(at(3, n) for n in range(2, 32, 3))], [], at(4, 1), 3),  # the last days end after the last fetch
        ([], ["2025-03-01", "2025-03-02"], at(3, 4), 1),
        ([at(3, 4)], [], at(3, 4), 0),
    ],
)
def test_a_day_is_missing_when_neither_a_fetch_nor_a_backfill_read_it(
    fetches: list[datetime], read: list[str], now: datetime, missing: int
) -> None:
    assert len(list_missing_days(fetches, REACH, read, MARCH, now)) == missing


def test_missing_days_are_named_with_the_command_that_reads_them() -> None:
    days = [date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 3)]
    assert describe_missing_days({"arxiv": days, "oai": days[:1]}, MARCH) == [
        "arxiv: 3 days (2025-03-01 to 2025-03-03) of 2025-03 were not read"
        " (`digest backfill 2025-03` reads what is missing)",
        "oai: 2025-03-01 of 2025-03 was not read (`digest backfill 2025-03` reads what is missing)",
    ]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


@pytest.fixture
def work(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr("digest.ingest.backfill.ParserPool", Inline)
    monkeypatch.setattr("digest.ingest.fetch.ParserPool", Inline)
    monkeypatch.setattr(coverage, "backfill_arxiv", partial(backfill_arxiv, sleep=Naps()))
    source = Source(id="arxiv", kind="arxiv", url=server.url("/api"), categories=("cs.CL",), days=7, allow_private=True)
    return context(tmp_path, [source], Clock(at(4, 20)))


async def test_what_the_first_fetch_does_not_reach_is_backfilled(work: Context, server: Server) -> None:
    server.otherwise = arxiv = Arxiv(papers() | papers(days=19, month=4))
    await fetch_sources(work)
    assert len(find_missing_days(work, MARCH)["arxiv"]) == 31
    reports, unread = await asyncio.to_thread(complete_period, work, MARCH)
    assert ([report.stage for report in reports], unread) == (["backfill"], {})
    assert {key for key in arxiv.papers if key.startswith("2503")} <= keys(work)
    assert find_missing_days(work, MARCH) == {}
    assert await asyncio.to_thread(complete_period, work, MARCH) == ([], {})


async def test_days_that_arxiv_refuses_stay_unread(work: Context, server: Server) -> None:
    server.otherwise = Arxiv(papers() | papers(days=19, month=4))
    await fetch_sources(work)
    server.otherwise = answer(403)
    reports, unread = await asyncio.to_thread(complete_period, work, MARCH)
    assert reports[0].state == "failed"
    assert len(unread["arxiv"]) == 31


async def test_a_source_that_just_failed_is_not_asked_again(work: Context, server: Server) -> None:
    server.otherwise = answer(404)
    await fetch_sources(work)
    asked = len(server.asked)
    reports, unread = await asyncio.to_thread(complete_period, work, MARCH)
    assert (reports, len(unread["arxiv"]), len(server.asked)) == ([], 31, asked)


async def test_the_last_days_of_a_month_are_fetched_although_the_source_is_not_due(
    work: Context, server: Server
) -> None:
    server.otherwise = Arxiv(papers())
    clock = work.clock
    assert isinstance(clock, Clock)
    for moment in [at(3, 3), at(3, 9), at(3, 15), at(3, 21), at(3, 27), at(3, 31, 22), at(4, 1, 1)]:
        clock.now = moment
        await fetch_sources(work, force=moment.month == 3)
    reports, unread = await asyncio.to_thread(complete_period, work, MARCH)
    assert ([report.stage for report in reports], unread) == (["fetch"], {})


async def test_a_draft_of_a_month_read_in_part_is_refused_with_the_days_and_the_command(
    work: Context, server: Server
) -> None:
    (work.root / "site" / "_drafts").mkdir(parents=True)
    assert (
        await asyncio.to_thread(draft_issue, work, MARCH)
    ).state == "partial"  # nothing was ever read: an empty month, and no gap
    (work.root / "site/_drafts/2025-03.md").unlink()
    server.otherwise = Arxiv(papers() | papers(days=19, month=4))
    await fetch_sources(work)
    with pytest.raises(CheckFailedError, match=r"arxiv: 31 days \(2025-03-01 to 2025-03-31\)") as refused:
        await asyncio.to_thread(draft_issue, work, MARCH)
    assert "digest run 2025-03" in refused.value.hint
    assert not (work.root / "site/_drafts/2025-03.md").exists()
    report = await asyncio.to_thread(draft_issue, work, MARCH, accept_gaps=True)
    assert any("(accepted)" in problem for problem in report.problems)
    await asyncio.to_thread(complete_period, work, MARCH)
    await asyncio.to_thread(rank_period, work, MARCH)
    assert (await asyncio.to_thread(draft_issue, work, MARCH)).state == "done"


def test_silence_is_judged_as_of_the_end_of_the_period_and_told_in_one_line(tmp_path: Path) -> None:
    sources = [
        Source(id=name, kind="feed", name=name.title(), url=f"https://{name}.example/") for name in ("quiet", "busy")
    ]
    work = context(tmp_path, sources, Clock(at(9, 1)))
    rows = []
    for name, last in (("quiet", at(3, 2)), ("busy", at(3, 30))):
        moments = [last - timedelta(days=n) for n in range(10)] + [at(8, 30)]  # both are back by September
        rows += [(name, f"{name}-{moment:%m-%d}", moment) for moment in moments]
    with work.db.write() as session:
        item = Item(key="url:x", title="X", url="https://x.example/", source_id="quiet", first_seen=at(3, 1))
        session.add(item)
        session.flush()
        session.add_all(
            Mention(item_id=item.id, source_id=name, guid=guid, url="", title="", published=moment, first_seen=moment)
            for name, guid, moment in rows
        )
    with work.db.read() as session:
        stale = find_sources_stale_at_end(work, session, MARCH)
    assert describe_stale_sources(work, stale, MARCH) == [
        "1 source was quieter than usual at the end of 2025-03: Quiet for 29 days"
    ]
