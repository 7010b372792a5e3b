"""The nightly harvest of arXiv over OAI-PMH, against a server on loopback that pages, forgets and fails like it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlmodel import select

from digest.config.schema import Source
from digest.context import Context
from digest.http.retry import retry_fetch
from digest.ingest.fetch import fetch_sources
from digest.models.items import Item
from tests.http.server import Answer, Asked, Server, answer, serving
from tests.workbench import NOW, Clock, context, counts, state

XML = [("Content-Type", "text/xml")]
DELETED = '<record><header status="deleted"><identifier>oai:arXiv.org:2603.09999</identifier></header></record>'


class Oai:
    """Answers by resumption token ("" is the first page); `faults` are used up first. Keeps what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[Sequence[str], str]] = {}
        self.faults: list[Answer] = []
        self.asked: list[dict[str, str]] = []

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        self.asked.append(query)
        if self.faults:
            await self.faults.pop(0)(asked, writer)
            return
        records, following = self.pages[query.get("resumptionToken", "")]
        body = "".join(records)
        listed = f"<ListRecords>{body}<resumptionToken>{following}</resumptionToken></ListRecords>"
        told = listed if records else '<error code="noRecordsMatch">none</error>'
        document = (
            '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-03-04T08:00:00Z</responseDate>'
            f"{told}</OAI-PMH>"
        )
        await answer(200, XML, document.encode())(asked, writer)


def paper(arxiv_id: str, *days: str, comment: str = "", categories: str = "cs.CL cs.AI") -> str:
    versions = "".join(
        f'<version version="v{n}"><date>{day}</date><source_type>D</source_type></version>'
        for n, day in enumerate(days, 1)
    )
    return (
        f"<record><header><identifier>oai:arXiv.org:{arxiv_id}</identifier></header><metadata>"
        f'<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{arxiv_id}</id>{versions}<title>Paper {arxiv_id}</title>'
        f"<authors>A. Author and B. Other</authors><categories>{categories}</categories><comments>{comment}</comments>"
        f"<abstract>What {arxiv_id} says in version {len(days)}.</abstract></arXivRaw></metadata></record>"
    )


FIRST, SECOND = "Mon, 2 Mar 2026 10:00:00 GMT", "Wed, 4 Mar 2026 09:00:00 GMT"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


@pytest.fixture
def oai(server: Server, monkeypatch: pytest.MonkeyPatch) -> Oai:
    monkeypatch.setattr("digest.ingest.source_fetch.retry_fetch", partial(retry_fetch, first_wait=0.001))
    server.otherwise = made = Oai()
    return made


def work(tmp_path: Path, server: Server, clock: Clock) -> Context:
    source = Source(id="arxiv", kind="arxiv-oai", url=server.url("/oai"), categories=("cs.CL",), allow_private=True)
    return context(tmp_path, [source], clock)


def items(made: Context) -> dict[str, Item]:
    with made.db.read() as session:
        return {item.key.removeprefix("arxiv:"): item for item in session.exec(select(Item))}


async def test_a_harvest_follows_its_tokens_and_the_next_one_overlaps_it(
    tmp_path: Path, server: Server, oai: Oai
) -> None:
    clock = Clock()
    made = work(tmp_path, server, clock)
    oai.pages = {
        "": ([paper("2603.00001", FIRST), DELETED], "from=2026-02-01&amp;until=2026-03-04&amp;skip=2"),
        "from=2026-02-01&until=2026-03-04&skip=2": (
            [paper("2603.00002", FIRST), paper("2603.00003", FIRST, categories="hep-th")],
            "",
        ),
    }
    report = await fetch_sources(made)
    assert (report.state, set(items(made))) == ("done", {"2603.00001", "2603.00002"})
    assert items(made)["2603.00001"].published == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert oai.asked[0]["set"] == "cs:cs:CL"
    assert set(oai.asked[1]) == {"verb", "resumptionToken"}
    assert state(made, "arxiv").cursor == {"until": "2026-03-04T00:00:00+00:00"}

    clock.forward(days=1)
    withdrawn = paper("2603.00002", FIRST, SECOND, comment="This paper has been withdrawn by the authors")
    oai.pages = {"": ([paper("2603.00001", FIRST), withdrawn], "")}
    report = await fetch_sources(made)
    assert oai.asked[2]["from"] == "2026-03-01"  # three days before the last one ended
    count = counts(made, report.run_id)["arxiv"]
    assert (count.found, count.unchanged, count.revised, count.new) == (2, 1, 1, 0)
    assert (items(made)["2603.00002"].version, bool(items(made)["2603.00002"].withdrawn)) == (2, True)


@pytest.mark.parametrize(
    "fault",
    [answer(200, XML, b""), answer(200, [("Content-Type", "text/html")], b"<html>busy</html>"), answer(503)],
    ids=["nothing", "HTML", "503"],
)
async def test_an_answer_that_is_none_is_asked_for_again_and_is_never_0_papers(
    tmp_path: Path, server: Server, oai: Oai, fault: Answer
) -> None:
    made = work(tmp_path, server, Clock())
    oai.pages = {"": ([paper("2603.00001", FIRST)], "")}
    oai.faults = [fault]
    report = await fetch_sources(made)
    assert (report.state, set(items(made)), len(oai.asked)) == ("done", {"2603.00001"}, 2)
    oai.faults = [fault] * 4
    report = await fetch_sources(made, force=True)
    assert (report.state, len(oai.asked)) == ("failed", 6)
    assert state(made, "arxiv").cursor == {"until": f"{NOW:%Y-%m-%d}T00:00:00+00:00"}


async def test_a_harvest_that_breaks_off_keeps_its_pages_and_starts_from_the_same_day(
    tmp_path: Path, server: Server, oai: Oai
) -> None:
    made = work(tmp_path, server, Clock())
    broken = paper("2603.00002", FIRST).replace("<version ", "<other ")
    oai.pages = {"": ([paper("2603.00001", FIRST)], "t"), "t": ([broken], "")}
    report = await fetch_sources(made)
    assert (report.state, set(items(made)), state(made, "arxiv").cursor) == ("partial", {"2603.00001"}, {})
    oai.pages["t"] = ([paper("2603.00002", FIRST)], "")
    await fetch_sources(made, force=True)
    assert set(items(made)) == {"2603.00001", "2603.00002"}
    assert oai.asked[-2]["from"] == oai.asked[0]["from"]


async def test_a_night_without_changes_is_no_failure(tmp_path: Path, server: Server, oai: Oai) -> None:
    made = work(tmp_path, server, Clock())
    oai.pages = {"": ([], "")}
    report = await fetch_sources(made)
    assert (report.state, report.numbers["found"], len(oai.asked)) == ("done", 0, 1)


RSS = (
    '<rss version="2.0" xmlns:arxiv="http://arxiv.org/schemas/atom"><channel><title>cs.CL</title>'
    "<pubDate>{date}</pubDate>{items}</channel></rss>"
)
ANNOUNCED = (
    "<item><title>Paper 2603.00001</title><link>https://arxiv.org/abs/2603.00001</link>"
    '<guid isPermaLink="false">oai:arXiv.org:2603.00001v1</guid><description>A paper.</description>'
    "<pubDate>{date}</pubDate><arxiv:announce_type>new</arxiv:announce_type></item>"
)


@pytest.mark.parametrize(("listed", "is_stale"), [(ANNOUNCED, True), ("", False)])
async def test_an_earlier_days_announcements_are_checked_again_soon_and_a_quiet_day_is_not(
    tmp_path: Path, server: Server, listed: str, is_stale: bool
) -> None:
    clock = Clock()
    source = Source(id="rss", kind="arxiv-rss", url=server.url("/rss"), categories=("cs.CL",), allow_private=True)
    made = context(tmp_path, [source], clock)
    for day, entries in ((FIRST, ANNOUNCED), (SECOND, listed)):
        document = RSS.format(date=day, items=entries.format(date=day))
        server.paths["/rss/cs.CL"] = answer(200, XML, document.encode())
        report = await fetch_sources(made, force=True)
        clock.now += timedelta(days=1)
    assert report.state == "done"
    assert ("rss" in report.numbers["warnings"]) == is_stale
    next_check = state(made, "rss").next_check
    assert next_check is not None
    assert (next_check <= clock.now - timedelta(hours=23)) == is_stale
