"""Entries of feeds that give titles alone have the words of their pages, each asked for once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from digest.config.schema import Source
from digest.db.items import load_items_by_key
from digest.ingest.radar import fetch_with_radar
from digest.urls import work_key
from tests.http.server import Server, answer, serving
from tests.workbench import context

HTML = [("Content-Type", "text/html")]
PAGE = (
    "<html><head><title>Planning agents</title><meta name=description content='How planning helps agents.'></head>"
    "<body><article><h1>Planning agents</h1>" + "<p>Agents that plan before they act do better, as we measured.</p>" * 6
)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


def feed(server: Server, count: int, more: str = "") -> bytes:
    items = "".join(
        f"<item><title>Planning agents, part {n}</title><link>{server.url(f'/p/{n}')}</link>{more}"
        f"<pubDate>Tue, 0{1 + n % 9} Mar 2026 08:00:00 GMT</pubDate></item>"
        for n in range(count)
    )
    return f"<rss version='2.0'><channel><title>L</title>{items}</channel></rss>".encode()


async def test_each_page_is_read_once_and_one_that_is_none_leaves_the_title(tmp_path: Path, server: Server) -> None:
    server.paths["/feed"] = answer(200, [], feed(server, 3))
    server.paths["/p/0"] = server.paths["/p/1"] = answer(200, HTML, PAGE.encode())
    server.paths["/p/2"] = answer(200, HTML, b"<title>404 - Page not found</title><p>Gone</p>")
    work = context(tmp_path, [Source(id="lab", kind="feed", url=server.url("/feed"), allow_private=True)])
    report = await asyncio.to_thread(fetch_with_radar, work, force=True)
    assert report.numbers["pages"] == {"read": 2, "unread": 1}
    with work.db.read() as session:
        items = load_items_by_key(session, [work_key(server.url(f"/p/{n}")) for n in range(3)])
    assert sorted(item.summary for item in items.values()) == ["", *["How planning helps agents."] * 2]
    assert {item.title for item in items.values()} == {f"Planning agents, part {n}" for n in range(3)}


async def test_an_entry_with_words_costs_no_request_and_a_long_feed_only_its_newest(
    tmp_path: Path, server: Server
) -> None:
    server.paths["/full"] = answer(200, [], feed(server, 2, "<description>Words of its own.</description>"))
    work = context(tmp_path, [Source(id="full", kind="feed", url=server.url("/full"), allow_private=True)])
    report = await asyncio.to_thread(fetch_with_radar, work)
    assert "pages" not in report.numbers
    assert [asked.path for asked in server.asked] == ["/full"]
    server.paths["/long"] = answer(200, [], feed(server, 40))
    (tmp_path / "b").mkdir()
    work = context(tmp_path / "b", [Source(id="long", kind="feed", url=server.url("/long"), allow_private=True)])
    report = await asyncio.to_thread(fetch_with_radar, work)
    assert sum(report.numbers["pages"].values()) == 30
