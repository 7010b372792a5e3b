"""`status` and `runs` tell what the ledger holds: each source's items and their fates, time, bytes, the next check."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

import pytest

from digest.config.schema import Source
from digest.context import Context
from digest.db.runs import OUTCOMES
from digest.errors import NotFoundError
from digest.ingest.fetch import fetch_sources
from digest.ops.status import explain_run, load_status
from tests.http.server import Server, answer, serving
from tests.workbench import Clock, context, rss


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


async def worked(folder: Path, server: Server) -> Context:
    """A workspace after two runs: one source with items new, unchanged and rejected, one that fails."""
    good = Source(id="good", kind="feed", url=server.url("/good"), allow_private=True)
    bad = Source(id="bad", kind="feed", url=server.url("/bad"), allow_private=True)
    nothing = b"<item><title></title></item></channel>"
    server.paths["/good"] = answer(200, [], rss(["The first post", "The second post"]))
    work = context(folder, [good, bad], Clock())
    await fetch_sources(work)
    body = rss(["The third post", "The second post", "The first post"]).replace(b"</channel>", nothing)
    server.paths["/good"] = answer(200, [], body)
    await fetch_sources(work, force=True)
    return work


async def test_status_shows_each_source_s_last_run_in_numbers_and_words(tmp_path: Path, server: Server) -> None:
    work = await worked(tmp_path, server)
    good, bad = map(asdict, load_status(work).sources)
    assert good["counts"] == "4 found: 1 new, 2 unchanged, 1 rejected"
    assert good["found"] == sum(good[fate] for fate in OUTCOMES)
    assert good["bytes"] > 400
    assert good["seconds"] >= 0
    assert good["next"] > good["checked"]
    assert "1 rejected: " in good["warning"]
    assert (good["error"], bad["state"], bad["counts"]) == ("", "failed", "")
    assert "HTTP 404" in bad["error"]


async def test_a_run_is_explained_source_by_source_with_reason_and_cure(tmp_path: Path, server: Server) -> None:
    work = await worked(tmp_path, server)
    told = asdict(explain_run(work, 2))
    assert (told["stage"], told["state"], told["numbers"]["new"]) == ("fetch", "partial", 1)
    assert "bad: " in told["problems"][0]
    rows = {row["id"]: row for row in told["sources"]}
    assert (rows["good"]["state"], rows["good"]["found"], rows["good"]["unexplained"]) == ("ok", 4, 0)
    assert "look for the feed's new address" in rows["bad"]["hint"]
    with pytest.raises(NotFoundError, match="no run has the number 9"):
        explain_run(work, 9)


def configure(work: Context) -> list[str]:
    """Write the context's sources down, and say how the command is called there."""
    rows = "".join(
        f"  - {{id: {one.id}, kind: feed, url: '{one.url}', allow_private: true}}\n" for one in work.config.sources
    )
    categories = "taxonomy: {categories: [{slug: models, title: Models, description: New models}]}\n"
    (work.root / "sources.yaml").write_text(f"newsletter: {{title: T}}\nsources:\n{rows}{categories}", encoding="utf-8")
    return [sys.executable, "-m", "digest", "-w", str(work.root)]


async def test_the_command_prints_a_run_s_ledger(tmp_path: Path, server: Server) -> None:
    command = configure(await worked(tmp_path, server))
    printed = {
        words: subprocess.run([*command, *words.split()], capture_output=True, text=True, check=True).stdout
        for words in ("runs", "runs 2", "status", "status --all")
    }
    assert "2 sources, 1 new" in printed["runs"]
    assert "run 2: fetch, partial; started 2026-03-04 12:00" in printed["runs 2"]
    assert "sources: 1 failing, 1 with a warning; last fetch 2026-03-04 12:00 UTC" in printed["status"]
    assert "  ! bad: " in printed["status"]
    for words in ("runs 2", "status", "status --all"):
        assert "4 found: 1 new, 2 unchanged, 1 rejected" in printed[words]


async def test_ctrl_c_says_that_nothing_is_lost_and_the_next_run_goes_on(tmp_path: Path, server: Server) -> None:
    sources = [Source(id=name, kind="feed", url=server.url(f"/{name}"), allow_private=True) for name in ("a", "b")]
    server.delay = 60
    command = configure(context(tmp_path, sources))
    child = await asyncio.create_subprocess_exec(*command, "fetch", stderr=asyncio.subprocess.PIPE)
    while len(server.asked) < 2:
        await asyncio.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = await child.communicate()
    assert (child.returncode, b"committed work is stored" in said) == (130, True)
    server.delay = 0
    server.otherwise = answer(200, [], rss(["The first post"]))
    child = await asyncio.create_subprocess_exec(*command, "fetch", stdout=asyncio.subprocess.PIPE)
    printed, _ = await child.communicate()
    assert b"2 sources, 1 new" in printed
