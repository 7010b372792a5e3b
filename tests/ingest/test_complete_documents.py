"""What a visit takes for the whole: documents that broke off, pages whose own feed fails, faults that were survived."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel import select

from digest.config.schema import Source
from digest.context import Context
from digest.ingest.fetch import fetch_sources
from digest.models.items import Item
from tests.http.server import Answer, Server, answer, redirect, serving
from tests.workbench import Clock, context, counts, rss, state

FEED = [("Content-Type", "application/rss+xml"), ("ETag", '"1"')]
HTML = [("Content-Type", "text/html"), ("ETag", '"1"')]
PAGE = b"""<html><head><link rel="alternate" type="application/rss+xml" href="/feed.xml"></head>
<body><h2><a href="/blog/one">The post that the page shows</a></h2></body></html>"""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


def source(server: Server, kind: str = "feed", **facts: object) -> Source:
    return Source(id="s", kind=kind, url=server.url("/s"), allow_private=True, **facts)  # type: ignore[arg-type]


def titles(work: Context) -> set[str]:
    with work.db.read() as session:
        return set(session.exec(select(Item.title)))


def asked(server: Server) -> list[str]:
    return [one.path for one in server.asked if one.path != "/sitemap.xml"]


async def test_a_feed_that_broke_off_is_asked_for_whole_the_next_time(tmp_path: Path, server: Server) -> None:
    whole = rss([f"Post number {n} of ten" for n in range(10)])
    server.paths["/s"] = answer(200, FEED, whole[: len(whole) // 2])
    work = context(tmp_path, [source(server)])
    await fetch_sources(work)
    assert 0 < len(titles(work)) < 10
    assert (state(work, "s").etag, state(work, "s").validators_url) == (None, None)
    server.paths["/s"] = answer(200, FEED, whole)
    await fetch_sources(work, force=True)
    assert "if-none-match" not in server.asked[-1].headers
    assert len(titles(work)) == 10
    assert state(work, "s").etag == '"1"'


async def test_a_page_that_broke_off_is_asked_for_whole_the_next_time(tmp_path: Path, server: Server) -> None:
    page = PAGE.replace(b"alternate", b"none")
    server.paths["/s"] = answer(200, HTML, page[:-20])
    work = context(tmp_path, [source(server, "page")])
    await fetch_sources(work)
    assert state(work, "s").etag is None
    server.paths["/s"] = answer(200, HTML, page)
    await fetch_sources(work, force=True)
    assert state(work, "s").etag == '"1"'


@pytest.mark.parametrize(
    "feed",
    [
        answer(404),
        answer(200, HTML, PAGE),
        answer(200, FEED, b"<rss><channel><title>Old</title></channel></rss>"),
        answer(200, FEED, b"{"),
    ],
    ids=["gone", "a page", "empty", "no feed"],
)
async def test_a_page_whose_own_feed_cannot_be_had_is_read_itself(tmp_path: Path, server: Server, feed: Answer) -> None:
    server.paths |= {"/s": answer(200, HTML, PAGE), "/feed.xml": feed}
    work = context(tmp_path, [source(server, "page")])
    report = await fetch_sources(work)
    assert (report.state, titles(work)) == ("done", {"The post that the page shows"})
    assert "its own feed was left aside" in report.numbers["warnings"]["s"]
    assert "its own feed was left aside" in (counts(work, report.run_id)["s"].error or "")


async def test_a_page_s_feed_is_asked_conditionally_and_the_page_again_when_it_fails(
    tmp_path: Path, server: Server
) -> None:
    server.paths |= {"/s": answer(200, HTML, PAGE), "/feed.xml": answer(200, FEED, rss(["From the feed itself"]))}
    work = context(tmp_path, [source(server, "page")], Clock())
    await fetch_sources(work)
    assert (titles(work), state(work, "s").etag) == ({"From the feed itself"}, '"1"')
    server.paths["/feed.xml"] = answer(304)
    report = await fetch_sources(work, force=True)
    assert (report.numbers["unmodified"], server.asked[-1].headers["if-none-match"]) == (1, '"1"')
    server.paths["/feed.xml"] = answer(404)
    assert (await fetch_sources(work, force=True)).state == "failed"
    await fetch_sources(work, force=True)
    assert asked(server) == ["/s", "/feed.xml", "/feed.xml", "/feed.xml", "/s", "/feed.xml"]
    assert "The post that the page shows" in titles(work)


async def test_where_a_page_s_feed_moves_to_is_no_place_for_the_page(tmp_path: Path, server: Server) -> None:
    server.paths |= {"/s": answer(200, HTML, PAGE), "/feed.xml": redirect(301, "/new.xml")}
    server.paths["/new.xml"] = answer(200, FEED, rss(["From the feed itself"]))
    clock = Clock()
    work = context(tmp_path, [source(server, "page")], clock)
    for _ in range(6):
        await fetch_sources(work, force=True)
        clock.forward(days=1)
    assert state(work, "s").moved_to is None


async def test_what_was_survived_is_in_the_ledger_and_the_report(tmp_path: Path, server: Server) -> None:
    nothing = b"<item><title></title></item>"
    body = rss(["A post that is fine", "Another one"]).replace(b"</channel>", nothing + b"<item><b></channel>")
    server.paths["/s"] = answer(200, FEED, body)
    work = context(tmp_path, [source(server, max_items=2)])
    report = await fetch_sources(work)
    told = counts(work, report.run_id)["s"].error or ""
    assert report.state == "done"
    assert "not well-formed" in told
    assert "only 2 taken" in told
    assert report.numbers["warnings"] == {"s": told}
    assert "1 read with a warning" in report.line
