"""The batches of a stage, shared by several workers of a workspace on PostgreSQL: the same rows as one process gives."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlmodel import select

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context
from digest.db.engine import Database
from digest.db.key_value import load_value
from digest.db.locks import DatabaseHostLock, hold_lock, take_batches
from digest.ingest.backfill import backfill_arxiv
from digest.models.issues import LinkCheck
from digest.models.items import Item
from digest.models.predictions import ItemVector, Tagging
from digest.ops.helpers import help_stage
from digest.periods import Period
from digest.publishing.links import check_links
from digest.tagging.stage import tag_items
from tests.db.test_postgres import server
from tests.http.server import serving
from tests.ingest.arxiv import Arxiv
from tests.ingest.test_backfill import papers
from tests.publishing.test_links import serving as serving_links
from tests.workbench import Clock, Inline, context

__all__ = ["server"]

NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)


@contextmanager
def workers(folder: Path, url: str, sources: list[Source], clock: Clock, count: int = 2) -> Iterator[list[Context]]:
    """Contexts of several workers on one workspace; the first one's calls for help start the others as threads."""
    folder.mkdir(exist_ok=True)
    threads: list[Thread] = []

    def call(stage: str, argument: str) -> None:
        for helper in helpers:
            threads.append(Thread(target=help_stage, args=(helper, stage, argument)))
            threads[-1].start()
        time.sleep(0.3)  # for the helpers to have a batch each before the first worker has them all

    databases = [Database(folder / "digest.db", url) for _ in range(count)]
    first, *helpers = (context(folder, sources, clock, db=db) for db in databases)
    try:
        yield [replace(first, call_helpers=call), *helpers]
        for thread in threads:
            thread.join(60)
    finally:
        for db in databases:
            db.close()


def add_items(db: Database, count: int) -> None:
    with db.write() as session:
        for number in range(count):
            title = f"Paper {number} on {('agents', 'vision', 'robots', 'law')[number % 4]} and language models"
            session.add(
                Item(key=f"k{number}", title=title, url=f"https://e.org/{number}", source_id="s", first_seen=NOW)
            )


def load_rows(db: Database) -> list[Any]:
    """What a tagging stage stores, without the numbers of its rows."""
    with db.read() as session:
        tagged = session.exec(select(Item.key, Tagging).where(Tagging.item_id == Item.id).order_by(Item.key))
        rows: list[Any] = [(key, row.model_dump(exclude={"id", "item_id"})) for key, row in tagged]
        vectors = select(Item.key, ItemVector.vector).where(ItemVector.item_id == Item.id).order_by(Item.key)
        return [*rows, *session.exec(vectors)]


def test_two_workers_tag_and_embed_as_one_process_does(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.tagging.stage._BATCH_SIZE", 7)
    tagged_by: Counter[int] = Counter()
    save = Database.write

    (tmp_path / "alone").mkdir()
    alone = context(tmp_path / "alone", [], Clock(NOW), db=Database(tmp_path / "alone" / "digest.db", ""))
    add_items(alone.db, 60)
    expected = tag_items(alone)
    with workers(tmp_path / "shared", server, [], Clock(NOW), 3) as (first, *helpers):
        add_items(first.db, 60)

        def counting(db: Database, **options: Any) -> Any:
            tagged_by[id(db)] += 1
            return save(db, **options)

        monkeypatch.setattr(Database, "write", counting)
        report = tag_items(first)
        monkeypatch.setattr(Database, "write", save)
        assert (report.line, report.numbers) == (expected.line, expected.numbers)
        assert load_rows(first.db) == load_rows(alone.db)
        assert any(tagged_by[id(helper.db)] for helper in helpers)
        assert help_stage(first, "tag", "").numbers == {"tagged": 0}
    alone.db.close()


def test_a_batch_that_another_process_holds_comes_later_and_from_a_frozen_one_in_the_end(
    server: str, tmp_path: Path
) -> None:
    with (
        closing(Database(tmp_path / "digest.db", server)) as one,
        closing(Database(tmp_path / "digest.db", server)) as other,
        hold_lock(other, "tag:1"),
    ):
        assert [*take_batches(one, "tag", ["1", "2", "3"], should_wait=False)] == ["2", "3"]
        assert [*take_batches(one, "tag", ["1", "2", "3"], patience=0.1)] == ["2", "3", "1"]
    with closing(Database(tmp_path / "sqlite.db", "")) as sqlite:
        assert [*take_batches(sqlite, "tag", ["1", "2"])] == ["1", "2"]


def test_each_link_is_requested_by_one_worker(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.publishing.links._BATCH_SIZE", 3)
    with serving_links() as site, workers(tmp_path / "shared", server, [], Clock(NOW)) as (first, helper):
        links = site.links("/fine", "/gone", "/forever", "/moved", *(f"/page/{number}" for number in range(20)))
        report = check_links(first, links)
        assert Counter(path for path in site.asked if path != "/other") == Counter(
            url.removeprefix(site.base) for url in links
        )
        assert [link.url.removeprefix(site.base) for link in report.dead_links] == ["/gone", "/forever", "/moved"]
        with first.db.read() as session:
            assert {check.url for check in session.exec(select(LinkCheck))} == set(links)
            assert load_value(session, "links:due") == {}
        assert help_stage(helper, "links", "").numbers == {"links": 0}


async def test_months_of_a_backfill_are_read_by_several_workers_each_once(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.ingest.backfill.ParserPool", Inline)
    monkeypatch.setattr("digest.ingest.backfill.ARXIV_PAUSE", 0.0)
    works = papers(31, 1, 3) | papers(30, 1, 4) | papers(31, 1, 5)
    async with serving() as site:
        site.otherwise = Arxiv(works)
        source = Source(id="arxiv", kind="arxiv", url=site.url("/api"), categories=("cs.CL",), allow_private=True)
        clock = Clock(datetime(2025, 9, 1, 8, tzinfo=UTC))
        period = Period((2025, 3), (2025, 5))

        def backfill() -> tuple[Any, list[str], int]:
            with workers(tmp_path / "shared", server, [source], clock) as (first, _):
                report = run_sync(backfill_arxiv(first, period))
                with first.db.read() as session:
                    keys = sorted(session.exec(select(Item.key)))
                again = run_sync(backfill_arxiv(first, period))
                return report, keys, again.numbers["requests"]

        import asyncio

        report, keys, requests_again = await asyncio.to_thread(backfill)
    assert (report.state, report.numbers["papers"], report.problems) == ("done", 92, [])
    assert keys == sorted(f"arxiv:{key}" for key in works)
    assert len(site.asked) == len({asked.path for asked in site.asked})
    assert requests_again == 0


def test_the_pause_of_a_host_is_counted_by_the_clock_of_the_server(server: str, tmp_path: Path) -> None:
    """Two hosts whose clocks differ agree on it."""
    url = server.replace("s_{hash}", f"shared_{tmp_path.name}")
    with (
        closing(Database(tmp_path / "digest.db", url)) as one,
        closing(Database(tmp_path / "digest.db", url)) as other,
    ):
        first, second = DatabaseHostLock(one), DatabaseHostLock(other)
        assert first.claim("arxiv.org", 60) == 0
        first.release("arxiv.org", 100)
        assert 90 < second.claim("arxiv.org", 60) <= 100


def test_a_frozen_writer_is_cut_off(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is stopped in a transaction holds the others up for a bounded time, and stores nothing."""
    monkeypatch.setattr("digest.db.engine.FROZEN_SECONDS", 1)
    done: list[str] = []

    def write_frozen(db: Database) -> None:
        with db.write() as session:
            session.add(Item(key="frozen", title="t", url="https://e.org", source_id="s", first_seen=NOW))
            session.flush()
            time.sleep(3)
            done.append("awake")

    with (
        closing(Database(tmp_path / "digest.db", server)) as one,
        closing(Database(tmp_path / "digest.db", server)) as other,
    ):
        frozen = Thread(target=_swallow, args=(lambda: write_frozen(other), done))
        frozen.start()
        time.sleep(0.5)
        add_items(one, 1)
        assert done == []
        frozen.join(30)
        assert done == ["awake", "StoreError"]
        with one.read() as session:
            assert session.exec(select(Item.key)).all() == ["k0"]


def _swallow(work: Callable[[], None], done: list[str]) -> None:
    try:
        work()
    except Exception as error:
        done.append(type(error).__name__)
