"""Results of several sources in one transaction: each whole, and none lost through another."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import func, select

from digest.config.schema import Source
from digest.db.engine import Database
from digest.db.runs import start_run
from digest.ingest.normalize import PreparedItem, normalize_entry
from digest.ingest.parser import ParsedPage
from digest.ingest.writer import BatchWriter, FetchedPage, store_fetched_pages
from digest.models.items import FetchState, Item, SourceState
from digest.models.runs import SourceResult, SourceResultRow
from digest.sources.entries import Entry
from tests.workbench import NOW


def result(run_id: int, name: str, *titles: str) -> FetchedPage:
    source = Source(id=name, kind="feed", url=f"https://{name}.example/feed")
    made = [normalize_entry(Entry(title=each, url=f"https://{name}.example/{each}"), source, NOW) for each in titles]
    reading = ParsedPage(items=[item for item in made if isinstance(item, PreparedItem)])
    return FetchedPage(
        FetchState(source_id=name, etag="v1"), SourceResult(run_id=run_id, source_id=name, at=NOW), reading
    )


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "digest.db")


@pytest.fixture
def run_id(db: Database) -> int:
    with db.write() as session:
        return start_run(session, "fetch", None, NOW)


async def test_results_that_come_together_are_stored_together_and_counted_apart(db: Database, run_id: int) -> None:
    results = [result(run_id, f"s{n}", *(f"Work {n} {m}" for m in range(n))) for n in range(5)]
    async with BatchWriter(db) as writer:
        counts = await asyncio.gather(*map(writer.write_page, results))
    assert [(count.source_id, count.found, count.new) for count in counts] == [(f"s{n}", n, n) for n in range(5)]
    with db.read() as session:
        assert session.exec(select(func.count()).select_from(Item)).one() == 10
        assert {state.etag for state in session.exec(select(SourceState))} == {"v1"}
        assert sorted(session.exec(select(SourceResultRow.new))) == [0, 1, 2, 3, 4]


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The sources of each transaction."""
    seen: list[list[str]] = []

    def store(db: Database, results: Sequence[FetchedPage]) -> list[SourceResult]:
        seen.append([result.state.source_id for result in results])
        return store_fetched_pages(db, results)

    monkeypatch.setattr("digest.ingest.writer.store_fetched_pages", store)
    return seen


async def test_a_transaction_waits_for_the_visits_under_way(
    db: Database, run_id: int, batches: list[list[str]]
) -> None:
    async with BatchWriter(db) as writer:
        with writer.expect_result(), writer.expect_result():
            first = asyncio.create_task(writer.write_page(result(run_id, "first", "Work 1")))
            await asyncio.sleep(0.05)
            await asyncio.gather(first, writer.write_page(result(run_id, "second", "Work 2")))
    assert batches == [["first", "second"]]


async def test_a_transaction_waits_for_nobody_who_brings_nothing(
    db: Database, run_id: int, batches: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.ingest.writer._MAX_WAIT", 3600)
    async with BatchWriter(db) as writer:
        with writer.expect_result():
            with writer.expect_result():
                first = asyncio.create_task(writer.write_page(result(run_id, "first", "Work 1")))
                await asyncio.sleep(0.05)
            await first
            await writer.write_page(result(run_id, "first", "Work 2"))
    assert batches == [["first"], ["first"]]


async def test_a_visit_that_takes_long_does_not_keep_others_from_being_stored(db: Database, run_id: int) -> None:
    async with BatchWriter(db) as writer:
        with writer.expect_result(), writer.expect_result():
            assert (await writer.write_page(result(run_id, "first", "Work 1"))).new == 1


async def test_a_result_that_cannot_be_stored_fails_alone_and_leaves_nothing(db: Database, run_id: int) -> None:
    good, bad, last = (result(run_id, name, f"Work of {name}") for name in ("good", "bad", "last"))
    bad.source_result.run_id = run_id + 99  # no such run: the last statement of its transaction fails
    async with BatchWriter(db) as writer:
        kept = await asyncio.gather(*map(writer.write_page, (good, bad, last)), return_exceptions=True)
    assert isinstance(kept[1], IntegrityError)
    assert [count.new for count in (kept[0], kept[2]) if isinstance(count, SourceResult)] == [1, 1]
    with db.read() as session:
        assert set(session.exec(select(Item.source_id))) == {"good", "last"}
        assert set(session.exec(select(SourceState.source_id))) == {"good", "last"}
