"""`digest import URL` against a real server: a process of its own reads it, within a deadline."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from digest.drafts import archive
from digest.drafts.archive.chapters import ArchiveReview, Chapter
from digest.drafts.archive.items import ImportedPost
from digest.drafts.archive.remote_pictures import save_remote_pictures
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


async def test_pictures_of_a_review_are_saved_beside_the_drafts_and_one_that_is_none_keeps_its_address(
    tmp_path: Path, server: Server
) -> None:
    data = io.BytesIO()
    Image.new("RGB", (4, 3)).save(data, "PNG")
    server.otherwise = answer(200, [("Content-Type", "image/png")], data.getvalue())
    server.paths["/text"] = answer(200, HTML, b"<p>no picture</p>")
    work = workspace(tmp_path)
    good, bad = server.url("/a%20boat.png", "me.example"), server.url("/text", "me.example")
    review = ArchiveReview("T", "", "month", f"![Boat]({good})", (Chapter("a", "A", f"![]({bad}) ![Boat]({good})"),))
    post = ImportedPost("T", "", "month", (), period="2024", review=review)
    (saved,), problems = await asyncio.to_thread(save_remote_pictures, work, [post])
    assert saved.review is not None
    assert saved.review.intro == "![Boat](images/2024/a-boat.png)"
    assert saved.review.chapters[0].text == f"![]({bad}) ![Boat](images/2024/a-boat.png)"
    assert (work.site_folder / "_drafts" / "images" / "2024" / "a-boat.png").read_bytes() == data.getvalue()
    assert len(problems) == 1
    assert problems[0].startswith(f"picture {bad}: ")
