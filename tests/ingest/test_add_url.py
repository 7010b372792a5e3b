"""`digest add URL` against a real server: one page becomes one item, read in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.context import Context
from digest.errors import ParseError
from digest.http.client import Client
from digest.http.rate_limit import RateLimiter
from digest.ingest.add import add_url, resolve_page_url
from tests.http.server import Server, answer, serving
from tests.http.test_client import ToLoopback
from tests.workbench import context

HTML = [("Content-Type", "text/html; charset=utf-8")]
ARTICLE = """<html><head><title>Site - Small models win</title><link rel="canonical" href="/posts/small-models">
<script type="application/ld+json">{"@type": "BlogPosting", "headline": "Small models win", "datePublished":
"2026-02-03T10:00:00Z", "author": [{"name": "Ada Lovelace"}]}</script></head><body><nav><a href="/">Home</a></nav>
<article><h1>Small models win</h1><p>We trained a small model on very little, and it did better than a large one.</p>
<p>The reasons are told here in some length, so that there is a text to be found.</p></article></body></html>"""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


def workspace(folder: Path) -> Context:
    """One whose fetcher takes every name for a public one, and dials the server of the test."""

    async def public(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34"]

    return context(
        folder,
        [],
        make_fetcher=lambda: Client(
            resolver=public, open_stream=ToLoopback(), rate_limiter=RateLimiter(site_pauses={})
        ),
    )


async def test_an_article_is_kept_with_title_authors_date_and_text(tmp_path: Path, server: Server) -> None:
    server.otherwise = answer(200, HTML, ARTICLE.encode())
    work, url = workspace(tmp_path), server.url("/posts/small-models?utm_source=x", "lab.example")
    item, report = await asyncio.to_thread(add_url, work, url)
    assert (item.title, item.authors, item.published) == (
        "Small models win",
        ["Ada Lovelace"],
        datetime(2026, 2, 3, 10, tzinfo=UTC),
    )
    assert "very little" in item.summary
    assert item.url == server.url("/posts/small-models", "lab.example")
    assert report.numbers["new"] == 1
    again, report = await asyncio.to_thread(add_url, work, server.url("/posts/small-models", "lab.example"))
    assert (again.id, report.numbers.get("new", 0)) == (item.id, 0)


async def test_a_page_that_takes_for_ever_to_be_read_costs_only_itself(tmp_path: Path, server: Server) -> None:
    links = b"<p><a href=/x>some words of a link</a></p>" * 300_000
    server.otherwise = answer(200, HTML, b"<html><head><title>T</title></head><body><article>" + links)
    with pytest.raises(ParseError, match="took more than 3 seconds to read"):
        await asyncio.to_thread(add_url, workspace(tmp_path), server.url("/x", "lab.example"), "manual", 3.0)


@pytest.mark.parametrize(
    "url",
    [
        "https://arxiv.org/pdf/2501.00663v2",
        "https://arxiv.org/pdf/2501.00663.pdf",
        "https://arxiv.org/html/2501.00663v1",
        "https://doi.org/10.48550/arXiv.2501.00663",
        "https://huggingface.co/papers/2501.00663",
        "https://hf.co/papers/2501.00663",
        "https://www.alphaxiv.org/abs/2501.00663",
    ],
)
def test_an_address_of_a_paper_leads_to_its_abs_page_and_no_pdf_is_fetched(url: str) -> None:
    assert resolve_page_url(url) == "https://arxiv.org/abs/2501.00663"
    assert resolve_page_url("https://lab.example/report.pdf") == "https://lab.example/report.pdf"
