"""`digest import URL` against a real server: a process of its own reads it, within a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from digest.drafts import archive
from digest.errors import ParseError
from tests.http.server import Server, answer, serving
from tests.ingest.test_add_url import HTML, workspace

POST = "<h2>Models</h2><ul>" + "".join(
    f'<li><a href="https://x.example.org/{n}">Paper number {n}</a>: words of mine on {n}.</li>' for n in range(6)
)
FEED = (
    '<rss version="2.0"><channel><title>Me</title><item><title>January 2025</title><link>https://me.example.org/1</link>'
    f"<description><![CDATA[{POST}</ul>]]></description></item></channel></rss>"
)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


@pytest.mark.parametrize(("headers", "body"), [([], FEED), (HTML, f"<html><body>{POST}</ul></body></html>")])
async def test_a_feed_and_a_page_at_an_address_are_read(
    tmp_path: Path, server: Server, headers: list[tuple[str, str]], body: str
) -> None:
    server.otherwise = answer(200, headers, body.encode())
    work = workspace(tmp_path)
    address = server.url("/past", "me.example")
    read = await asyncio.to_thread(archive.read_archive, work, [address], {}, include_essays=True)
    assert [(item.title, item.url) for post in read for item in post.items] == [
        (f"Paper number {n}", f"https://x.example.org/{n}") for n in range(6)
    ]


async def test_an_archive_that_takes_for_ever_to_be_read_is_an_error_and_not_a_wait(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_PARSE_SECONDS", 3.0)
    server.otherwise = answer(200, HTML, b"<html><body>" + b"<p><a href=/x>some words of a link</a></p>" * 300_000)
    work = workspace(tmp_path)
    with pytest.raises(ParseError, match="took more than 3 seconds to read"):
        await asyncio.to_thread(archive.read_archive, work, [server.url("/past", "me.example")], {})
