"""The database opens at the newest schema, keeps what is committed, and refuses what it cannot understand."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, MetaData, Table, create_engine, insert
from sqlmodel import AutoString, Session, SQLModel, select
from sqlmodel.sql.sqltypes import UTCDateTime

from digest.db.bulk import upsert
from digest.db.engine import HEAD_REVISION, Database
from digest.db.migrations import build_alembic_config
from digest.db.search import is_search_index_complete, search_items, update_search_index
from digest.errors import StoreError
from digest.models.items import Item
from digest.models.runs import KeyValue

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "digest.db")


def item(key: str, title: str, summary: str = "") -> dict[str, object]:
    made = Item(key=key, title=title, url="https://e.org", source_id="s", first_seen=NOW, summary=summary)
    return made.model_dump(exclude={"id"})


def test_the_migrated_schema_is_the_one_the_tables_declare(db: Database) -> None:
    with db.read() as session:
        connection = session.connection()
        options = {"include_object": lambda _, name, *__: not str(name).startswith("item_words")}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), SQLModel.metadata) == []
        assert ScriptDirectory.from_config(build_alembic_config(connection)).get_current_head() == HEAD_REVISION


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("said", "told", "cure"),
    [
        ("database is locked", "digest.db is in use", "wait for it"),
        (
            "database or disk is full",
            "digest.db cannot be read or written: database or disk is full",
            "the disk's space",
        ),
        ("disk I/O error", "digest.db cannot be read or written", "the disk's space"),
        ("attempt to write a readonly database", "digest.db cannot be read or written", "the file's permissions"),
        ("vtable constructor failed: item_words", "digest.db is damaged", "backup --restore"),
        ("database disk image is malformed", "digest.db is damaged", "backup --restore"),
    ],
)
def test_troubles_of_disk_and_file_are_told_with_their_cure(db: Database, said: str, told: str, cure: str) -> None:
    with pytest.raises(StoreError, match=re.escape(told)) as caught, db.read():
        raise sqlite3.OperationalError(said)
    assert cure in caught.value.hint


def test_writers_wait_and_readers_see_a_snapshot(db: Database) -> None:
    with db.write() as session:
        session.add(KeyValue(name="a", value={"x": 1}, at=NOW))
    with db.read() as reader:
        assert reader.get_one(KeyValue, "a").value == {"x": 1}
        with db.write() as writer:
            writer.add(KeyValue(name="b", value={}, at=NOW))
        assert reader.get(KeyValue, "b") is None
    with db.read() as reader:
        assert reader.get_one(KeyValue, "b").at == NOW


def test_a_failed_write_stores_nothing(db: Database) -> None:
    with pytest.raises(RuntimeError), db.write() as session:
        session.add(KeyValue(name="a", value={}, at=NOW))
        session.flush()
        raise RuntimeError
    with db.read() as session:
        assert session.get(KeyValue, "a") is None


def test_upsert_writes_in_bulk_and_updates_only_what_it_is_told(db: Database) -> None:
    with db.write() as session:
        upsert(session, Item, [item(f"k{n}", f"title {n}") for n in range(1200)], ["key"])
        upsert(session, Item, [item("k7", "new title", "new summary")], ["key"], ["title"])
    with db.read() as session:
        seven = session.exec(select(Item).where(Item.key == "k7")).one()
        assert (seven.title, seven.summary) == ("new title", "")
        assert len(session.exec(select(Item.id)).all()) == 1200


def _some(column: Column[Any], number: int) -> Any:
    """A value that the column's type has to translate, where it translates any."""
    moment = datetime(2026, 1, 2, 3, number % 60, 5, number, tzinfo=timezone(timedelta(hours=number % 5 - 2)))
    kinds: dict[type, Any] = {
        UTCDateTime: moment if number % 3 or not column.nullable else None,
        JSON: [{"ä": [number]}, [], {}][number % 3],
        Integer: number,
        Float: number / 7,
        Boolean: bool(number % 2),
        LargeBinary: bytes([number, 0, 255]),
        AutoString: f"{column.name} {number} é\u2028'",
    }
    return next(value for kind, value in kinds.items() if isinstance(column.type, kind))


@pytest.mark.sqlite
@pytest.mark.parametrize("table", sorted(SQLModel.metadata.tables))
def test_bulk_rows_are_stored_as_sqlalchemy_stores_them(tmp_path: Path, table: str) -> None:
    model = next(m.class_ for m in SQLModel._sa_registry.mappers if m.class_.__tablename__ == table)
    columns = SQLModel.metadata.tables[table].columns
    rows = [{column.name: _some(column, number) for column in columns} for number in range(1, 8)]
    stored = []
    ways: dict[str, Callable[[Session], object]] = {
        "ours": lambda session: upsert(session, model, rows),
        "theirs": lambda session: session.connection().execute(insert(model), rows),
    }
    for way, write in ways.items():
        database = Database(tmp_path / f"{way}.db")
        with database.read() as session:  # never committed, so that no row needs to point to another
            session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            write(session)
            listed = ", ".join(f'typeof("{name}"), "{name}"' for name in columns.keys())  # noqa: SIM118  not a dict
            found = session.connection().exec_driver_sql(f'SELECT {listed} FROM "{table}" ORDER BY 2')
            stored.append([tuple(row) for row in found])
        database.close()
    assert len(stored[0]) == len(rows)
    assert stored[0] == stored[1]


def test_search_finds_words_phrases_and_prefixes_and_follows_changes(db: Database) -> None:
    with db.write() as session:
        upsert(
            session,
            Item,
            [item("a", "Graph retrieval", "naïve Bayes"), item("b", "A graph of C++ and retrieval")],
            ["key"],
        )
    with db.write() as session:
        assert not is_search_index_complete(session)
        update_search_index(session)
        assert is_search_index_complete(session)
    with db.read() as session:
        assert {i.key for i in search_items(session, "graph retrieval")} == {"a", "b"}
        assert [i.key for i in search_items(session, '"graph retrieval"')] == ["a"]
        assert [i.key for i in search_items(session, "naive bay*")] == ["a"]
        assert search_items(session, 'C++ AND (" NEAR') == []
        assert search_items(session, "***") == []
    with db.write() as session:
        upsert(session, Item, [item("a", "Something else")], ["key"], ["title"])
    with db.read() as session:
        assert [i.key for i in search_items(session, "graph")] == ["b"]


def test_of_very_many_items_with_the_words_the_last_stored_are_weighed(db: Database) -> None:
    with db.write() as session:
        upsert(
            session, Item, [item("a", "Graphs"), item("b", "Trees, and a graph or two"), item("c", "Graph")], ["key"]
        )
        update_search_index(session)
    with db.read() as session:
        assert [i.key for i in search_items(session, "graph*")] == ["a", "c", "b"]
        assert [i.key for i in search_items(session, "graph*", max_matches=2)] == ["c", "b"]


@pytest.mark.sqlite
def test_a_newer_database_is_refused(db: Database) -> None:
    with sqlite3.connect(db.path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreError, match="newer digest"):
        Database(db.path)


@pytest.mark.sqlite
def test_an_older_database_is_copied_before_it_is_migrated(db: Database) -> None:
    with sqlite3.connect(db.path) as raw:
        raw.execute("DELETE FROM alembic_version")
        raw.execute("INSERT INTO alembic_version VALUES ('0000')")
    raw.close()
    with pytest.raises(Exception, match="0000"):  # there is no such revision to start from; the copy comes first
        Database(db.path)
    assert len(list(db.path.parent.glob("digest.db.before-*"))) == 1


@pytest.mark.sqlite
def test_a_database_of_the_first_schema_keeps_its_items_and_what_follows_their_changes(tmp_path: Path) -> None:
    path = tmp_path / "digest.db"
    row = {**item("a", "Old words"), "id": 1, "first_seen": NOW.replace(tzinfo=None)}
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(build_alembic_config(connection), "0001")
        old = Table("item", MetaData(), autoload_with=connection)
        connection.execute(insert(old), {name: value for name, value in row.items() if name in old.columns})
        connection.exec_driver_sql("INSERT INTO item_words(item_words) VALUES ('rebuild')")
        connection.exec_driver_sql("UPDATE item_words_state SET upto = 1")
    engine.dispose()
    db = Database(path)
    with db.write() as session:
        kept = session.exec(select(Item)).one()
        assert (kept.title, kept.rewordings) == ("Old words", 0)
        kept.title = "New thoughts"
    with db.read() as session:
        assert [i.key for i in search_items(session, "thoughts")] == ["a"]
        assert search_items(session, "words") == []
    assert len(list(tmp_path.glob("digest.db.before-*"))) == 1


@pytest.mark.sqlite
def test_something_else_than_a_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "digest.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="damaged"):
        Database(path)
    with pytest.raises(StoreError, match="not a folder"):
        Database(tmp_path / "none" / "digest.db")


@pytest.mark.sqlite
def test_a_copy_is_whole_and_passes_its_checks(db: Database, tmp_path: Path) -> None:
    with db.write() as session:
        session.add(KeyValue(name="a", value={}, at=NOW))
    db.copy_to(tmp_path / "copy.db")
    copy = Database(tmp_path / "copy.db")
    assert copy.check_integrity() == []
    with copy.read() as session:
        assert session.get(KeyValue, "a") is not None


@pytest.mark.sqlite
@pytest.mark.parametrize(("before", "lasting", "level"), [(False, True, 2), (True, False, 1)])
def test_a_lasting_write_is_synced_whatever_the_one_before_it_was(
    db: Database, before: bool, lasting: bool, level: int
) -> None:
    """SQLite's levels: 2 syncs at each commit, 1 only when the log is written back."""
    with db.write(durable=before) as session:
        session.add(KeyValue(name="a", value={}, at=NOW))
    with db.write(durable=lasting) as session:
        assert session.connection().exec_driver_sql("PRAGMA synchronous").scalar_one() == level
        assert session.get_one(KeyValue, "a").value == {}
