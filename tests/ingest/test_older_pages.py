"""What a feed's or page's own address does not hold: older pages, and days out of the sitemap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from digest.config.schema import Source
from digest.context import Context
from digest.ingest.fetch import fetch_sources
from digest.models.items import Item
from tests.http.server import Server, answer, serving
from tests.workbench import Clock, context, counts, state

HTML = [("Content-Type", "text/html")]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


def atom(names: list[str], following: str = "") -> bytes:
    entries = "".join(
        f'<entry><id>{n}</id><title>The post called {n}</title><link href="https://a.example/{n}"/>'
        "<updated>2026-02-01T00:00:00Z</updated></entry>"
        for n in names
    )
    link = f'<link rel="next" href="{following}"/>' if following else ""
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title>{link}{entries}</feed>'.encode()


def titles(work: Context) -> set[str]:
    with work.db.read() as session:
        return {title.rpartition(" ")[2] for title in session.exec(select(Item.title))}


def source(server: Server, kind: str = "feed") -> Source:
    return Source(id="s", kind=kind, url=server.url("/s"), allow_private=True)


def paths(server: Server) -> list[str]:
    return [asked.path for asked in server.asked]


async def test_older_pages_are_read_at_first_and_across_a_gap_but_not_otherwise(tmp_path: Path, server: Server) -> None:
    clock = Clock()
    work = context(tmp_path, [source(server)], clock)
    server.paths["/s"] = answer(200, [("ETag", "1")], atom(["d", "c"], "/s?page=2"))
    server.paths["/s?page=2"] = answer(200, [], atom(["b", "a"]))
    report = await fetch_sources(work)
    assert titles(work) == {"a", "b", "c", "d"}
    assert (report.state, counts(work, report.run_id)["s"].found, state(work, "s").etag) == ("done", 4, "1")
    server.paths["/s"] = answer(200, [], atom(["e", "d"], "/s?page=2"))
    await fetch_sources(work, force=True)
    assert paths(server) == ["/s", "/s?page=2", "/s"]
    server.paths["/s"] = answer(200, [], atom(["i", "h"], "/s?page=2"))
    server.paths["/s?page=2"] = answer(200, [], atom(["g", "f"], "/s?page=3"))
    server.paths["/s?page=3"] = answer(200, [], atom(["e", "d"], "/s?page=4"))
    await fetch_sources(work, force=True)
    assert titles(work) == set("abcdefghi")
    assert paths(server)[3:] == ["/s", "/s?page=2", "/s?page=3"]


async def test_an_archived_feed_is_read_along_its_archives(tmp_path: Path, server: Server) -> None:
    def archive(names: list[str], older: str) -> bytes:
        return atom(names, older).replace(b'rel="next"', b'rel="prev-archive"')

    server.paths["/s"] = answer(200, [], archive(["d", "c"], "/2026-01"))
    server.paths["/2026-01"] = answer(200, [], archive(["b"], "/2025-12"))
    server.paths["/2025-12"] = answer(200, [], atom(["a"]))
    work = context(tmp_path, [source(server)])
    await fetch_sources(work)
    assert titles(work) == {"a", "b", "c", "d"}
    assert paths(server) == ["/s", "/2026-01", "/2025-12"]


async def test_older_pages_of_json_feeds_are_read_and_those_of_other_sites_are_not(
    tmp_path: Path, server: Server
) -> None:
    item = '{"id": "%s", "url": "https://a.example/%s", "title": "The post called %s"}'
    page = '{"version": "https://jsonfeed.org/version/1.1", "title": "J", "next_url": "%s", "items": [%s]}'
    server.paths["/s"] = answer(200, [], (page % ("/older", item % ("b", "b", "b"))).encode())
    elsewhere = server.url("/elsewhere", "localhost")
    server.paths["/older"] = answer(200, [], (page % (elsewhere, item % ("a", "a", "a"))).encode())
    work = context(tmp_path, [source(server)])
    await fetch_sources(work)
    assert titles(work) == {"a", "b"}
    assert paths(server) == ["/s", "/older"]


async def test_older_pages_without_end_are_bounded_and_one_that_fails_is_told(tmp_path: Path, server: Server) -> None:
    server.paths["/s"] = answer(200, [], atom(["p0"], "/1"))
    for n in range(1, 20):
        server.paths[f"/{n}"] = answer(200, [], atom([f"p{n}"], f"/{n + 1}"))
    work = context(tmp_path, [source(server)])
    await fetch_sources(work)
    assert len(server.asked) == 6
    (tmp_path / "other").mkdir()
    server.paths["/1"] = answer(500)
    work = context(tmp_path / "other", [source(server)])
    report = await fetch_sources(work)
    assert (report.state, titles(work), state(work, "s").errors) == ("partial", {"p0"}, 0)
    assert "HTTP 500" in report.problems[0]


LISTING = b"""<html><body><main><article><h2><a href="/news/one">The first post called one</a></h2></article>
<article><h2><a href="/news/two">The second post called two</a></h2></article>%s</main></body></html>"""


def sitemap(**days: str) -> bytes:
    entries = "".join(f"<url><loc>/news/{name}/</loc><lastmod>{day}</lastmod></url>" for name, day in days.items())
    return f"<urlset>{entries}</urlset>".encode()


def published(work: Context) -> dict[str, tuple[datetime | None, str | None]]:
    with work.db.read() as session:
        return {item.title.rpartition(" ")[2]: (item.published, item.date_flag) for item in session.exec(select(Item))}


async def test_posts_without_a_date_get_the_sitemap_s_by_one_conditional_request(
    tmp_path: Path, server: Server
) -> None:
    server.paths["/s"] = answer(200, HTML, LISTING % b"")
    server.paths["/sitemap.xml"] = answer(200, [("ETag", '"m"')], sitemap(one="2026-02-03"))
    work = context(tmp_path, [source(server, "page")])
    report = await fetch_sources(work)
    assert published(work) == {"one": (datetime(2026, 2, 3, tzinfo=UTC), None), "two": (None, "backlog")}
    assert (counts(work, report.run_id)["s"].requests, paths(server)) == (2, ["/s", "/sitemap.xml"])
    await fetch_sources(work, force=True)
    assert paths(server)[2:] == ["/s"]  # an unchanged page asks for nothing more
    server.paths["/s"] = answer(200, HTML, LISTING % b'<h2><a href="/news/three">The third post called three</a></h2>')
    server.paths["/sitemap.xml"] = answer(304)
    await fetch_sources(work, force=True)
    assert server.asked[-1].headers["if-none-match"] == '"m"'
    assert published(work)["one"] == (datetime(2026, 2, 3, tzinfo=UTC), None)


async def test_a_site_without_a_sitemap_loses_no_post_and_is_not_asked_again_for_a_week(
    tmp_path: Path, server: Server
) -> None:
    clock = Clock()
    work = context(tmp_path, [source(server, "page")], clock)
    for day, more in enumerate((b"", b"<p>changed</p>", b"<p>again</p>")):
        server.paths["/s"] = answer(200, HTML, LISTING % more)
        assert (await fetch_sources(work, force=True)).state == "done"
        clock.forward(days=day * 7 + 1)
    assert paths(server) == ["/s", "/sitemap.xml", "/s", "/s", "/sitemap.xml"]
    assert set(published(work)) == {"one", "two"}
