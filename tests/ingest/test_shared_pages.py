"""Entries of one page, as changelogs and status pages have them, are items of their own in every fetch after."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.config.schema import Source
from digest.db.items import load_period_items
from digest.ingest.store import ingest_entries
from digest.periods import Period
from digest.sources.entries import Entry
from tests.workbench import NOW, context

SOURCE = Source(id="lab", kind="feed", url="https://lab.example/feed")
PAGE = "https://lab.example/changelog"
NAMES = ["New planning model", "Cheaper embeddings", "Longer context", "Tool calls in parallel"]
MARCH = Period((2026, 3), (2026, 3))


def entry(number: int, *, guid: bool, title: str = "") -> Entry:
    name = title or NAMES[number]
    return Entry(
        guid=f"entry-{number}" if guid else "", url=PAGE, title=name, summary=f"Release note: {name}.",
        published=datetime(2026, 3, 2 + number, 10, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize("guid", [True, False])
@pytest.mark.parametrize(
    "fetches",
    [
        [[0, 1, 2, 3]],
        [[0, 1, 2, 3], [0, 1, 2, 3]],
        [[0], [1, 0], [2, 1, 0], [3, 2, 1]],
        [[0, 1], [2, 3], [3]],
    ],
    ids=["once", "again", "growing", "moving on"],
)
def test_each_entry_is_one_item_however_the_document_grows(
    tmp_path: Path, guid: bool, fetches: list[list[int]]
) -> None:
    work = context(tmp_path, [SOURCE])
    for numbers in fetches:
        with work.db.write() as session:
            ingest_entries(session, SOURCE, [entry(number, guid=guid) for number in numbers], NOW)
    with work.db.read() as session:
        items = load_period_items(session, MARCH.start(), MARCH.end())
    assert sorted(item.title for item in items) == sorted(NAMES[n] for n in {n for each in fetches for n in each})
    assert {item.url for item in items} == {PAGE}


def test_one_entry_twice_in_a_document_is_one_item(tmp_path: Path) -> None:
    work = context(tmp_path, [SOURCE])
    with work.db.write() as session:
        counts, _ = ingest_entries(session, SOURCE, [entry(0, guid=False), entry(0, guid=False)], NOW)
    assert (counts["new"], counts["duplicate"]) == (1, 1)
