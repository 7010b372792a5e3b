"""New items of an abstract's length with their search index, in one transaction; beside bare rows in `sqlite3`."""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.probe import Watch, timed, told

WORDS = [f"word{n * n % 9973}" for n in range(20_000)]
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def rows(count: int) -> list[tuple[str, str, str, str]]:
    """(guid, url, title, summary) of works that do not resemble each other."""
    texts = (" ".join(WORDS[n % 19_000 : n % 19_000 + 160]) for n in range(count))
    return [(f"g{n}", f"https://example.org/{n}", f"Item {n} {WORDS[n]}", text) for n, text in enumerate(texts)]


def _digest(folder: Path, count: int) -> float:
    """Works that are looked up, told from known ones, and kept with mention, identity and search index."""
    from digest.config.schema import Source
    from digest.db.engine import DATABASE_FILE, Database
    from digest.ingest.normalize import PreparedItem, normalize_entry
    from digest.ingest.store import ingest_items
    from digest.sources.entries import Entry

    source = Source(id="s", kind="feed", url="https://example.org/feed")
    prepared = []
    for n, (guid, url, title, summary) in enumerate(rows(count)):
        found = Entry(guid=guid, url=url, title=title, summary=summary)
        found.published = NOW - timedelta(minutes=n)
        prepared.append(normalize_entry(found, source, NOW))
    batch = [item for item in prepared if isinstance(item, PreparedItem)]
    assert len(batch) == count
    database = Database(folder / DATABASE_FILE)

    def work() -> None:
        with database.write() as session:
            ingest_items(session, batch)

    return timed(work)


def _sqlite3(folder: Path, count: int) -> float:
    """One table and its full-text index: the least that any store on SQLite does."""
    given = rows(count)
    database = sqlite3.connect(folder / "bare.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, guid TEXT UNIQUE, url TEXT, title TEXT, summary TEXT)")
    database.execute("CREATE VIRTUAL TABLE found USING fts5(title, summary, content='item', content_rowid='id')")

    def work() -> None:
        with database:
            database.executemany("INSERT INTO item (guid, url, title, summary) VALUES (?, ?, ?, ?)", given)
            database.execute("INSERT INTO found(found) VALUES ('rebuild')")

    return timed(work)


def main(contender: str, count: int) -> None:
    watch = Watch()
    with tempfile.TemporaryDirectory() as folder:
        told("store", {"digest": _digest, "sqlite3": _sqlite3}[contender](Path(folder), count), watch)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
