"""Works that several sources link to become candidates: their page, who named them, in which words, and when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path

import pytest

from digest.config.schema import Source
from digest.context import Context
from digest.db.items import load_items_by_key, load_period_items
from digest.ingest.add import add_jsonl_file
from digest.ingest.fetch import fetch_sources
from digest.ingest.radar import list_named_works, read_radar, record_namings
from digest.periods import Period
from digest.ranking.stage import load_ranked_candidates, rank_period
from digest.sources.outbound import extract_links, names_work
from tests.http.server import Server, answer, serving
from tests.workbench import NOW, context

MARCH = Period((2026, 3), (2026, 3))
HTML = [("Content-Type", "text/html")]
PAGE = """<html><head><title>Sparse attention at scale</title><meta name="description" content="How it was done.">
<meta property="article:published_time" content="2026-02-27T10:00:00Z"></head><body><h1>Sparse attention at scale</h1>
<p>We trained a model with sparse attention and report what it cost.</p></body></html>"""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


def letter(name: str, body: str, day: str = "Tue, 03 Mar 2026 08:00:00 GMT") -> bytes:
    """A newsletter with one issue, whose text is `body`."""
    return (
        f'<rss version="2.0"><channel><title>{name}</title><item><title>{name} of the week</title>'
        f"<link>https://{name}.example/issue-1</link><guid isPermaLink='false'>{name}-1</guid>"
        f"<description>{escape(body)}</description><pubDate>{day}</pubDate></item></channel></rss>"
    ).encode()


def workspace(tmp_path: Path, server: Server, bodies: dict[str, str]) -> Context:
    sources = []
    for name, body in bodies.items():
        server.paths[f"/{name}"] = answer(200, [], letter(name, body))
        url = server.url(f"/{name}")
        sources.append(Source(id=name, kind="feed", name=name.title(), url=url, allow_private=True))
    return context(tmp_path, sources)


async def test_an_address_two_sources_link_to_becomes_a_candidate_with_its_page_and_its_namers(
    tmp_path: Path, server: Server
) -> None:
    page = server.url("/posts/sparse")
    server.paths["/posts/sparse"] = answer(200, HTML, PAGE.encode())
    bodies = {
        "alpha": f'<p>Old news. The best post on <a href="{page}?utm_source=alpha">sparse attention</a> so far.</p>',
        "beta": f'<p>Read <a href="{page}">this report</a>.</p><p><a href="{server.url("/only-here")}">More here</a></p>',
        "gamma": f'<ul><li><a href="{page}/">Sparse attention</a>, with its costs</li><li>Else</li></ul>',
    }
    work = workspace(tmp_path, server, bodies)
    await fetch_sources(work)
    report = await asyncio.to_thread(read_radar, work, MARCH)
    assert report.numbers == {"named": 1, "read": 1, "unread": 0}
    assert "/only-here" not in {asked.path for asked in server.asked}
    (row,) = list_named_works(work, MARCH)
    assert (row["title"], sorted(row["named_by"])) == ("Sparse attention at scale", ["Alpha", "Beta", "Gamma"])
    assert {(each["source"], each["date"], each["text"]) for each in row["words"]} == {
        ("Alpha", "2026-03-03", "The best post on sparse attention so far."),
        ("Beta", "2026-03-03", "Read this report."),
        ("Gamma", "2026-03-03", "Sparse attention, with its costs"),
    }
    with work.db.read() as session:
        items = {item.title: item for item in load_period_items(session, MARCH.start(), MARCH.end())}
    item = items["Sparse attention at scale"]
    assert item.published is not None
    assert (item.published.month, item.summary) == (2, "How it was done.")  # of February, and a candidate of March
    rank_period(work, MARCH)
    with work.db.read() as session:
        ranked = {c.item.title: c for c in load_ranked_candidates(session, MARCH.name, config=work.config)}
    candidate = ranked["Sparse attention at scale"]
    assert candidate.mentions == 3
    assert any(reason.endswith("and 2 others") for reason in candidate.top_reasons)
    assert candidate.place == 1
    asked = len(server.asked)
    assert (await asyncio.to_thread(read_radar, work, MARCH)).numbers == {"named": 1, "read": 0, "unread": 0}
    assert len(server.asked) == asked


async def test_an_item_that_is_known_is_named_without_reading_a_page_and_addresses_of_one_work_count_as_one(
    tmp_path: Path, server: Server
) -> None:
    bodies = {
        "alpha": '<p>See <a href="https://arxiv.org/abs/2603.00001v2">the paper</a>.</p>',
        "beta": '<p>On <a href="https://huggingface.co/papers/2603.00001">their page</a>.</p>',
        "list": '<a href="https://list.example/own">Own post</a>',
    }
    work = workspace(tmp_path, server, bodies)
    listed = (
        '<rss version="2.0"><channel><title>L</title><item><title>A paper on sparse attention</title>'
        "<link>https://arxiv.org/abs/2603.00001</link><pubDate>Mon, 02 Mar 2026 08:00:00 GMT</pubDate></item></channel></rss>"
    )
    server.paths["/list"] = answer(200, [], listed.encode())
    await fetch_sources(work)
    asked = len(server.asked)
    assert record_namings(work, MARCH) == 1
    assert len(server.asked) == asked
    (row,) = list_named_works(work, MARCH)
    assert (row["key"], sorted(row["named_by"])) == ("arxiv:2603.00001", ["Alpha", "Beta", "List"])


def test_papers_added_from_a_file_or_by_address_are_named_by_nobody(tmp_path: Path) -> None:
    work = context(tmp_path, [])
    rows = [{"title": f"Paper {n}", "arxiv_id": f"2603.0000{n}", "published": "2026-03-02"} for n in (1, 2)]
    (tmp_path / "month.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for source in ("manual", "file"):
        add_jsonl_file(work, tmp_path / "month.jsonl", source)
    rank_period(work, MARCH)
    with work.db.read() as session:
        assert [c.named_by for c in load_ranked_candidates(session, MARCH.name, config=work.config)] == [(), ()]


async def test_a_page_that_refuses_programs_has_the_words_of_a_link_and_one_that_is_gone_is_tried_again(
    tmp_path: Path, server: Server
) -> None:
    closed, gone = server.url("/news/closed"), server.url("/news/gone")
    server.paths["/news/closed"] = answer(403)
    body = f'<p><a href="{closed}">A lab opens its weights</a> and <a href="{gone}">a page that is gone</a></p>'
    work = workspace(tmp_path, server, {"alpha": body, "beta": body})
    await fetch_sources(work)
    report = await asyncio.to_thread(read_radar, work, MARCH)
    assert report.numbers == {"named": 1, "read": 1, "unread": 1}
    assert [problem.partition(": ")[0] for problem in report.problems] == [gone]
    server.paths["/news/gone"] = answer(200, HTML, PAGE.encode())
    assert (await asyncio.to_thread(read_radar, work, MARCH)).numbers == {"named": 2, "read": 1, "unread": 0}


async def test_a_page_at_another_address_of_a_known_item_is_one_more_address_of_it(
    tmp_path: Path, server: Server
) -> None:
    page = PAGE.replace("<head>", f'<head><link rel="canonical" href="{server.url("/posts/sparse")}">')
    for path in ("/posts/sparse", "/p/17"):
        server.paths[path] = answer(200, HTML, page.encode())
    long, short = (f'<a href="{server.url(path)}">Sparse attention</a>' for path in ("/posts/sparse", "/p/17"))
    work = workspace(tmp_path, server, {"alpha": long + short, "beta": short, "gamma": long})
    await fetch_sources(work)
    assert (await asyncio.to_thread(read_radar, work, MARCH)).numbers["named"] == 1
    with work.db.read() as session:
        keys = [f"url:https://{server.url(path).partition('://')[2]}" for path in ("/posts/sparse", "/p/17")]
        assert len({item.id for item in load_items_by_key(session, keys).values()}) == 1


async def test_a_private_address_is_not_read_for_sources_that_may_not(tmp_path: Path, server: Server) -> None:
    body = f'<a href="{server.url("/admin/panel")}">The admin panel here</a>'
    server.paths["/admin/panel"] = answer(200, HTML, PAGE.encode())
    work = workspace(tmp_path, server, {"alpha": body, "beta": body})
    await fetch_sources(work)
    closed = [source.model_copy(update={"allow_private": False}) for source in work.config.sources]
    open_config, config = work.config, work.config.model_copy(update={"sources": tuple(closed)})
    assert open_config != config
    work = context(tmp_path, closed)
    assert (await asyncio.to_thread(read_radar, work, MARCH)).numbers["read"] == 0
    assert "/admin/panel" not in {asked.path for asked in server.asked}


def test_only_addresses_that_can_be_works_count() -> None:
    works = [
        "https://openai.com/index/a-model",
        "https://x.com/lab/status/12",
        "https://www.youtube.com/watch?v=abcdefghijk",
        "https://github.com/lab/model",
    ]
    others = [
        "https://openai.com/",
        "https://x.com/lab",
        "https://github.com/lab",
        "https://twitter.com/intent/tweet?u=1",
        "https://en.wikipedia.org/wiki/Attention",
        "https://lab.example/subscribe",
        "https://lab.example/tag/agents",
        "https://cdn.example/picture.png",
        "mailto:a@b.example",
    ]
    assert [names_work(url) for url in works] == [True] * len(works)
    assert [names_work(url) for url in others] == [False] * len(others)


def test_broken_markup_gives_the_links_it_has() -> None:
    links = [*extract_links('<p>One <a href="/a/b">two <a href=https://c.example/d>three<p>four', "https://e.example/")]
    assert [(link.url, link.text) for link in links] == [
        ("https://e.example/a/b", "One two three"),
        ("https://c.example/d", "One two three"),
    ]
    assert [*extract_links("<a " * 5000 + 'href="x', "https://e.example/")] == []


def test_now_is_in_the_month_of_these_tests() -> None:
    assert MARCH.start() < NOW < MARCH.end()
