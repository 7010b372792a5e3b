"""The fetch stage against a real server and a real database."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import func, select

from digest.config.schema import Source
from digest.context import Context
from digest.db.runs import count_unexplained
from digest.errors import NotFoundError
from digest.ingest.fetch import claim_sources, fetch_sources
from digest.ingest.parser import PARSER_VERSION
from digest.ingest.staleness import find_stale_sources
from digest.models.items import Item, Mention
from digest.models.runs import Run
from tests.http.server import Asked, Server, answer, redirect, serving
from tests.workbench import NOW, Clock, context, counts, rss, state

FEED = [("Content-Type", "application/rss+xml")]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


def feed(server: Server, name: str = "blog", **facts: object) -> Source:
    return Source(id=name, kind="feed", url=server.url(f"/{name}"), allow_private=True, **facts)  # type: ignore[arg-type]


def stale_sources(context: Context) -> dict[str, timedelta]:
    with context.db.read() as session:
        return find_stale_sources(context, session)


def titles(context: Context) -> set[str]:
    with context.db.read() as session:
        return set(session.exec(select(Item.title)))


async def test_a_run_stores_items_state_and_an_explained_count(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.paths["/blog"] = answer(200, [*FEED, ("ETag", "v1")], rss(["One of many", "Two of many"]))
    work = context(tmp_path, [feed(server)], clock)
    report = await fetch_sources(work)
    assert (report.state, report.numbers["new"], report.numbers["found"]) == ("done", 2, 2)
    assert titles(work) == {"One of many", "Two of many"}
    count = counts(work, report.run_id)["blog"]
    assert (count.state, count.found, count.new, count_unexplained(count)) == ("ok", 2, 2, 0)
    assert count.bytes > 100
    kept = state(work, "blog")
    assert (kept.etag, kept.validators_url, kept.errors, kept.unanswered) == ("v1", server.url("/blog"), 0, 0)
    assert timedelta(hours=12) <= (kept.next_check or NOW) - NOW <= timedelta(hours=13.2)
    assert count.next_check == kept.next_check


async def test_a_source_that_is_not_due_is_not_asked_unless_forced(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.paths["/blog"] = answer(200, FEED, rss(["One of many"]))
    work = context(tmp_path, [feed(server)], clock)
    await fetch_sources(work)
    report = await fetch_sources(work)
    assert (report.numbers["sources"], report.numbers["not_due"], len(server.asked)) == (0, 1, 1)
    assert (await fetch_sources(work, force=True)).numbers["sources"] == 1
    clock.forward(hours=14)
    assert (await fetch_sources(work)).numbers["sources"] == 1


async def test_only_the_named_sources_are_asked_and_unknown_names_refused(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.paths |= {"/a": answer(200, FEED, rss(["One of many"])), "/b": answer(200, FEED, rss(["Two of many"]))}
    work = context(tmp_path, [feed(server, "a"), feed(server, "b", enabled=False)], clock)
    await fetch_sources(work, ["b"])
    assert [asked.path for asked in server.asked] == ["/b"]
    with pytest.raises(NotFoundError, match="no source 'c'"):
        await fetch_sources(work, ["c"])


async def test_not_modified_resets_errors_and_keeps_validators(tmp_path: Path, server: Server, clock: Clock) -> None:
    work = context(tmp_path, [feed(server)], clock)
    server.paths["/blog"] = answer(200, [("ETag", "v1"), ("Last-Modified", "then")], rss(["One of many"]))
    await fetch_sources(work)
    server.paths["/blog"] = answer(500)
    await fetch_sources(work, force=True)
    assert state(work, "blog").errors == 1
    server.paths["/blog"] = answer(304, [("Last-Modified", "now")])
    report = await fetch_sources(work, force=True)
    assert counts(work, report.run_id)["blog"].state == "unmodified"
    kept = state(work, "blog")
    assert (kept.errors, kept.last_error, kept.etag, kept.last_modified) == (0, None, "v1", "now")


async def test_rotating_validators_are_kept_though_the_body_is_the_same(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    work = context(tmp_path, [feed(server)], clock)
    for version in ("v1", "v2", "v3"):
        server.paths["/blog"] = answer(200, [("ETag", version)], rss(["One of many"]))
        report = await fetch_sources(work, force=True)
    assert [asked.headers.get("if-none-match") for asked in server.asked] == [None, "v1", "v2"]
    assert state(work, "blog").etag == "v3"
    assert counts(work, report.run_id)["blog"].state == "unmodified"


async def test_validators_are_cleared_when_the_server_stops_sending_them(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    work = context(tmp_path, [feed(server)], clock)
    server.paths["/blog"] = answer(200, [("ETag", "v1")], rss(["One of many"]))
    await fetch_sources(work)
    server.paths["/blog"] = answer(200, [], rss(["One of many", "Two of many"]))
    await fetch_sources(work, force=True)
    assert state(work, "blog").etag is None
    await fetch_sources(work, force=True)
    assert "if-none-match" not in server.asked[-1].headers


async def test_a_body_that_cannot_be_read_leaves_the_old_validators(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    work = context(tmp_path, [feed(server)], clock)
    server.paths["/blog"] = answer(200, [("ETag", "v1")], rss(["One of many"]))
    await fetch_sources(work)
    server.paths["/blog"] = answer(200, [("ETag", "v2")], b"<html><body>Down for maintenance</body></html>")
    report = await fetch_sources(work, force=True)
    assert (report.state, state(work, "blog").etag) == ("failed", "v1")
    assert report.problems[0].startswith("blog: ")


async def test_another_parser_version_asks_unconditionally_and_reads_again(
    tmp_path: Path, server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = context(tmp_path, [feed(server)], clock)
    server.paths["/blog"] = answer(200, [("ETag", "v1")], rss(["One of many"]))
    await fetch_sources(work)
    monkeypatch.setattr("digest.ingest.source_state.PARSER_VERSION", PARSER_VERSION + 1)
    report = await fetch_sources(work, force=True)
    assert "if-none-match" not in server.asked[-1].headers
    assert counts(work, report.run_id)["blog"].unchanged == 1


async def test_one_failing_source_does_not_stop_the_others(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.paths |= {"/good": answer(200, FEED, rss(["One of many"])), "/bad": answer(500)}
    work = context(tmp_path, [feed(server, "good"), feed(server, "bad")], clock)
    report = await fetch_sources(work)
    assert (report.state, report.numbers["new"], report.numbers["sources_failed"]) == ("partial", 1, 1)
    count = counts(work, report.run_id)["bad"]
    assert (count.state, count.found) == ("failed", 0)
    assert "HTTP 500" in (count.error or "")
    assert "bad: " in report.problems[0]


async def test_errors_back_off_and_retry_after_is_honoured(tmp_path: Path, server: Server, clock: Clock) -> None:
    work = context(tmp_path, [feed(server)], clock)
    server.paths["/blog"] = answer(404)
    await fetch_sources(work)
    first = (state(work, "blog").next_check or NOW) - NOW
    await fetch_sources(work, force=True)
    second = (state(work, "blog").next_check or NOW) - NOW
    assert timedelta(minutes=45) <= first <= timedelta(minutes=75) < second
    server.paths["/blog"] = answer(429, [("Retry-After", "86400")])
    await fetch_sources(work, force=True)
    assert (state(work, "blog").next_check or NOW) - NOW >= timedelta(hours=24)


async def test_a_source_that_is_gone_is_asked_again_only_on_demand(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    work = context(tmp_path, [feed(server)], clock)
    server.paths["/blog"] = answer(410)
    await fetch_sources(work)
    assert state(work, "blog").disabled == "410 Gone"
    clock.forward(days=60)
    assert (await fetch_sources(work)).numbers["sources"] == 0
    server.paths["/blog"] = answer(200, FEED, rss(["One of many"]))
    await fetch_sources(work, force=True)
    assert state(work, "blog").disabled is None


async def test_a_lasting_move_is_followed_and_taken_back_when_the_new_place_fails(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    work = context(tmp_path, [feed(server)], clock)
    server.paths |= {"/blog": redirect(301, "/new"), "/new": answer(200, FEED, rss(["One of many"]))}
    for _ in range(3):
        await fetch_sources(work, force=True)
        clock.forward(days=2)
    assert state(work, "blog").moved_to == server.url("/new")
    server.asked.clear()
    await fetch_sources(work, force=True)
    assert [asked.path for asked in server.asked] == ["/new"]
    server.paths |= {"/blog": answer(200, FEED, rss(["One of many"])), "/new": answer(410)}
    await fetch_sources(work, force=True)
    assert state(work, "blog").disabled is None
    await fetch_sources(work, force=True)
    assert state(work, "blog").moved_to is None
    assert server.asked[-1].path == "/blog"


async def test_temporary_redirects_never_become_a_move(tmp_path: Path, server: Server, clock: Clock) -> None:
    work = context(tmp_path, [feed(server)], clock)
    server.paths |= {"/blog": redirect(302, "/new"), "/new": answer(200, FEED, rss(["One of many"]))}
    for _ in range(5):
        await fetch_sources(work, force=True)
        clock.forward(days=2)
    assert state(work, "blog").moved_to is None


async def test_another_address_in_the_configuration_starts_afresh(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.paths |= {"/a": answer(410), "/b": answer(200, FEED, rss(["One of many"]))}
    source = feed(server, "a")
    await fetch_sources(context(tmp_path, [source], clock))
    work = context(tmp_path, [source.model_copy(update={"url": server.url("/b")})], clock)
    assert (await fetch_sources(work)).numbers["new"] == 1
    assert state(work, "a").disabled is None


async def test_the_feeds_own_wishes_count_also_after_not_modified(tmp_path: Path, server: Server, clock: Clock) -> None:
    wishes = "<ttl>1200</ttl><skipDays><day>Thursday</day></skipDays>"
    work = context(tmp_path, [feed(server, interval_hours=1)], clock)
    server.paths["/blog"] = answer(200, [("ETag", "v")], rss(["One of many"], extra=wishes))
    await fetch_sources(work)
    server.paths["/blog"] = answer(304)
    await fetch_sources(work, force=True)
    due = state(work, "blog").next_check or NOW
    assert due.strftime("%A") == "Friday"  # 20 hours from Wednesday noon would be Thursday


async def test_the_next_check_is_stored_before_the_request(tmp_path: Path, server: Server, clock: Clock) -> None:
    work = context(tmp_path, [feed(server)], clock)
    seen: list[timedelta] = []

    async def look(asked: Asked, writer: asyncio.StreamWriter) -> None:
        seen.append((state(work, "blog").next_check or NOW) - NOW)
        await answer(200, FEED, rss(["One of many"]))(asked, writer)

    server.paths["/blog"] = look
    await fetch_sources(work)
    assert seen == [timedelta(hours=1)]


async def test_an_item_that_says_nothing_is_rejected_and_counted(tmp_path: Path, server: Server, clock: Clock) -> None:
    nothing = b"<item><guid>g</guid></item></channel>"
    server.paths["/blog"] = answer(200, FEED, rss(["One of many"]).replace(b"</channel>", nothing))
    work = context(tmp_path, [feed(server)], clock)
    report = await fetch_sources(work)
    count = counts(work, report.run_id)["blog"]
    assert (count.found, count.new, count.rejected, count_unexplained(count)) == (2, 1, 1, 0)
    assert "1 rejected: neither a web address nor words" in (count.error or "")


async def test_the_same_work_from_two_sources_is_one_item_with_two_mentions(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.paths |= {"/a": answer(200, FEED, rss(["One of many"])), "/b": answer(200, FEED, rss(["One of many"]))}
    work = context(tmp_path, [feed(server, "a"), feed(server, "b")], clock)
    report = await fetch_sources(work)
    assert (report.numbers["new"], report.numbers["duplicate"]) == (1, 1)
    with work.db.read() as session:
        assert session.exec(select(func.count()).select_from(Mention)).one() == 2


BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "' + b"lol" * 100 + b'">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 20) for n in range(9))
    + b']><rss version="2.0"><channel><title>x</title><item><title>&j;</title></item></channel></rss>'
)  # fmt: skip
HOSTILE = {
    "billion laughs": BILLION,
    "deep JSON": b"[" * 200_000,
    "deep JSON feed": b'{"version":"https://jsonfeed.org/version/1.1","title":"x","items":' + b"[" * 100_000,
    "deep XML": b"<rss><channel>" + b"<b>" * 20_000,
    "nothing": b"",
    "zeros": b"\0" * 1_000_000,
    "external entity": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel>'
    b"<title>&x;</title><item><title>&x;</title></item></channel></rss>",
}


async def test_hostile_documents_cost_only_their_sources(tmp_path: Path, server: Server, clock: Clock) -> None:
    names = [f"h{n}" for n in range(len(HOSTILE))]
    server.paths |= {f"/{name}": answer(200, FEED, body) for name, body in zip(names, HOSTILE.values(), strict=True)}
    server.paths["/good"] = answer(200, FEED, rss(["One of many"]))
    work = context(tmp_path, [*(feed(server, name) for name in names), feed(server, "good")], clock)
    report = await fetch_sources(work)
    told = counts(work, report.run_id)
    assert told["good"].new == 1
    assert all(count_unexplained(count) == 0 for count in told.values())
    assert not any("root:" in title or len(title) > 5000 for title in titles(work))


async def test_a_feed_of_a_hundred_thousand_entries_gives_its_first_ones(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    entry = b"<item><title>Entry number %d of very many</title><link>https://blog.example/%d</link></item>"
    body = b"".join(entry % (n, n) for n in range(100_000))
    body = b'<rss version="2.0"><channel><title>x</title>' + body + b"</channel></rss>"
    server.paths["/blog"] = answer(200, [("Content-Encoding", "gzip")], gzip.compress(body))
    work = context(tmp_path, [feed(server, max_items=300)], clock)
    report = await fetch_sources(work)
    count = counts(work, report.run_id)["blog"]
    assert (count.found, count.new, count_unexplained(count)) == (300, 300, 0)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("Content-Type", "application/rss+xml; charset=iso-8859-1")], "Caf\u00e9 culture now".encode()),
        ([("Content-Type", "application/rss+xml; charset=utf-8")], "Caf\u00e9 culture now".encode("cp1252")),
        ([("Content-Type", "text/plain; charset=no-such-charset")], "Caf\u00e9 culture now".encode()),
    ],
)
async def test_a_wrong_charset_does_not_spoil_the_text(
    tmp_path: Path, server: Server, clock: Clock, headers: list[tuple[str, str]], body: bytes
) -> None:
    server.paths["/blog"] = answer(200, headers, rss(["TITLE"]).replace(b"<title>TITLE", b"<title>" + body))
    work = context(tmp_path, [feed(server)], clock)
    await fetch_sources(work)
    assert titles(work) == {"Caf\u00e9 culture now"}


async def test_a_post_that_shows_the_time_is_not_revised_for_ever(tmp_path: Path, server: Server, clock: Clock) -> None:
    work = context(tmp_path, [feed(server)], clock)
    revised = []
    for hour in range(30):
        shown = rss(["One of many"]).replace(b"About ", b"Seen %d times. About " % hour)
        server.paths["/blog"] = answer(200, FEED, shown)
        clock.forward(hours=1)
        report = await fetch_sources(work, force=True)
        count = counts(work, report.run_id)["blog"]
        assert count_unexplained(count) == 0
        revised.append(count.revised)
    assert revised == [0] + [1] * 24 + [0] * 5


async def test_a_source_is_called_silent_against_its_own_history(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.paths["/blog"] = answer(200, FEED, rss([f"Number {n} of many" for n in range(20)]))
    work = context(tmp_path, [feed(server)], clock)
    await fetch_sources(work)
    assert stale_sources(work) == {}
    clock.forward(days=9)
    assert stale_sources(work) == {}  # nobody has asked since
    report = await fetch_sources(work, force=True)
    assert report.numbers["silent"] == {"blog": 9}
    assert stale_sources(work) == {"blog": timedelta(days=9)}


async def test_a_stop_in_mid_run_keeps_what_was_stored_and_the_next_run_goes_on(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.paths["/fast"] = answer(200, FEED, rss(["One of many"]))

    async def never(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    server.paths["/slow"] = never
    work = context(tmp_path, [feed(server, "fast"), feed(server, "slow")], clock)
    running = asyncio.create_task(fetch_sources(work))
    while "One of many" not in titles(work):
        await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    with work.db.read() as session:
        assert session.exec(select(Run.state)).all() == ["interrupted"]
    server.paths["/slow"] = answer(200, FEED, rss(["Two of many"]))
    server.asked.clear()
    report = await fetch_sources(work)
    assert [asked.path for asked in server.asked] == ["/slow"]
    assert (report.numbers["new"], titles(work)) == (1, {"One of many", "Two of many"})


async def test_what_a_stop_by_hand_left_is_due_at_once_however_often(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.delay = 60
    work = context(tmp_path, [feed(server)], clock)
    for asked in range(1, 6):
        running = asyncio.create_task(fetch_sources(work))
        while len(server.asked) < asked:
            await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    with work.db.read() as session:
        assert set(session.exec(select(Run.reason))) == {"stopped by hand"}
    server.delay = 0
    server.paths["/blog"] = answer(200, FEED, rss(["One of many"]))
    assert (await fetch_sources(work)).numbers["new"] == 1


async def test_a_source_whose_process_is_killed_again_and_again_waits_for_an_hour(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    sources = [feed(server)]
    work = context(tmp_path, sources, clock)
    taken = [bool(claim_sources(work, sources, force=False, resume=True)) for _ in range(6)]
    assert taken == [True, True, True, True, False, False]
    clock.forward(hours=1)
    assert claim_sources(work, sources, force=False, resume=True)


SCRIPT = """
import asyncio, sys
from pathlib import Path
from digest.config.schema import Source
from digest.ingest.fetch import fetch_sources
from tests.workbench import context
base = sys.argv[2]
sources = [Source(id=f"s{n}", kind="feed", url=f"{base}/s{n}", allow_private=True) for n in range(12)]
asyncio.run(fetch_sources(context(Path(sys.argv[1]), sources)))
"""


async def test_a_run_killed_at_any_moment_is_finished_by_the_next_one(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.delay = 0.05
    for n in range(12):
        server.paths[f"/s{n}"] = answer(200, FEED, rss([f"Post {n} {m} of many" for m in range(5)]))
    expected = {f"Post {n} {m} of many" for n in range(12) for m in range(5)}
    (tmp_path / "w").mkdir()
    command = [
        sys.executable,
        "-c",
        SCRIPT,
        str(tmp_path / "w"),
        server.url(""),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = await asyncio.create_subprocess_exec(*command, env=environment)
    until = time.monotonic() + 30
    while len(server.asked) < 8 and time.monotonic() < until:
        await asyncio.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    sources = [feed(server, f"s{n}") for n in range(12)]
    work = context(tmp_path / "w", sources, clock)
    assert work.db.check_integrity() == []
    before = titles(work)
    assert len(before) < len(expected)
    await fetch_sources(work)
    assert titles(work) == expected
    with work.db.read() as session:
        assert sorted(session.exec(select(Run.state))) == ["done", "interrupted"]


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 0), ("America/New_York", 5), ("Asia/Tokyo", -9)])
async def test_a_day_without_a_time_is_that_day_in_the_newsletters_zone(
    tmp_path: Path, server: Server, clock: Clock, zone: str, hour: int
) -> None:
    item = "<item><title>T</title><link>https://blog.example/t</link><pubDate>2025-12-01</pubDate></item>"
    server.paths["/blog"] = answer(200, [], f"<rss><channel><title>B</title>{item}</channel></rss>".encode())
    clock.now = datetime(2025, 12, 3, tzinfo=UTC)
    work = context(tmp_path, [feed(server)], clock)
    newsletter = work.config.newsletter.model_copy(update={"timezone": zone})
    work = replace(work, config=work.config.model_copy(update={"newsletter": newsletter}))
    await fetch_sources(work)
    with work.db.read() as session:
        published = session.exec(select(Item.published)).one()
    assert published == datetime(2025, 12, 1, tzinfo=UTC) + timedelta(hours=hour)


async def test_a_source_behind_a_login_is_read_with_its_variable(tmp_path: Path, server: Server, clock: Clock) -> None:
    server.paths["/blog"] = answer(200, [], rss(["One"]))
    source = feed(server, auth_env="BLOG_LOGIN")
    work = context(tmp_path, [source], clock, environ={"BLOG_LOGIN": "ann:s3cret"})
    report = await fetch_sources(work)
    assert server.asked[0].headers["authorization"] == "Basic YW5uOnMzY3JldA=="
    assert "s3cret" not in str(report)
    (tmp_path / "other").mkdir()
    missing = context(tmp_path / "other", [source], clock, environ={})
    report = await fetch_sources(missing)
    assert "BLOG_LOGIN" in report.problems[0]


async def test_the_other_feeds_of_a_host_that_asks_for_a_pause_are_put_off_and_have_not_failed(
    tmp_path: Path, server: Server, clock: Clock
) -> None:
    server.otherwise = answer(429, [("Retry-After", "3600")])
    work = context(tmp_path, [feed(server, f"blog{n}") for n in range(8)], clock)
    report = await fetch_sources(work)
    assert len(server.asked) <= 2
    states = [result.state for result in counts(work, report.run_id).values()]
    assert (states.count("failed"), states.count("skipped")) == (len(server.asked), 8 - len(server.asked))
    put_off = [state(work, f"blog{n}") for n in range(8) if state(work, f"blog{n}").errors == 0]
    assert len(put_off) == 8 - len(server.asked)
    assert all(one.next_check and one.next_check >= clock.now + timedelta(minutes=59) for one in put_off)
