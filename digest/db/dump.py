"""Every row as JSON lines, table by table, and back; an older dump passes through the migrations of its age."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    event,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, ProgrammingError
from sqlmodel import Session, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from digest.db.engine import HEAD_REVISION, Database, create_sqlite_engine
from digest.db.migrations import upgrade_schema
from digest.db.search import update_search_index
from digest.errors import StoreError
from digest.files import make_partial_path

LineReader = Callable[[str], Iterator[bytes]]  # the rows of the table of that name

INCOMPLETE_HINT = "the folder must be one whole export"
_TRANSIENT_TABLES = ("lock", "lease")  # locks of processes; they mean nothing elsewhere
_INTERNAL_TABLES = ("item_words", "alembic_version")  # the search index, and the revision
_BATCH_SIZE = 2000
_DEFER_KEYS = "ALTER TABLE item ALTER CONSTRAINT item_merged_into_fkey DEFERRABLE INITIALLY DEFERRED"
_RESTORE_KEYS = "ALTER TABLE item ALTER CONSTRAINT item_merged_into_fkey NOT DEFERRABLE"


def dump_tables(session: Session) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name and the rows of every table; a table comes after those that it points to."""
    for table in _list_tables():
        yield table.name, _dump_rows(session, table)


def load_dump(session: Session, path: Path, revision: str, read_lines: LineReader) -> dict[str, int]:
    """Replace all rows by those of a dump of schema `revision`; return the number of rows by table.

    A dump of an older schema fills a temporary database beside `path`, which is migrated and dumped again.
    Raises StoreError for a row that is damaged or points to none.
    """
    if revision == HEAD_REVISION:
        counts = _replace_rows(session, _list_tables(), read_lines)
    else:
        with _open_upgraded(path, revision, read_lines) as upgraded:
            tables = {table.name: table for table in _list_tables()}
            counts = _replace_rows(session, [*tables.values()], lambda name: _dump_rows(upgraded, tables[name]))
    update_search_index(session)
    return counts


@contextmanager
def _open_upgraded(path: Path, revision: str, read_lines: LineReader) -> Iterator[Session]:
    """Read a temporary database that was filled at an older schema and opened at the newest."""
    folder = make_partial_path(path)
    folder.mkdir(mode=0o700)
    try:
        engine = create_sqlite_engine(folder / path.name)
        with engine.begin() as connection:
            upgrade_schema(connection, revision)
            with Session(connection) as older:
                _replace_rows(older, _reflect_tables(older), read_lines)
        engine.dispose()
        database = Database(folder / path.name, url="")
        with database.read() as session:
            yield session
        database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _list_tables() -> list[Table]:
    return [table for table in SQLModel.metadata.sorted_tables if table.name not in _TRANSIENT_TABLES]


def _reflect_tables(session: Session) -> list[Table]:
    """List the tables of the database itself, which may be older than the models."""
    metadata = MetaData()
    event.listen(metadata, "column_reflect", _restore_time_zone)
    metadata.reflect(session.connection(), only=lambda name, _: not name.startswith(_INTERNAL_TABLES))
    return [table for table in metadata.sorted_tables if table.name not in _TRANSIENT_TABLES]


def _restore_time_zone(_: object, __: object, column: dict[str, Any]) -> None:
    """Give times the type that the models give them: SQLite stores no time zone."""
    if isinstance(column["type"], DateTime):
        column["type"] = UTCDateTime()


def _dump_rows(session: Session, table: Table) -> Iterator[bytes]:
    query = select(table).order_by(*table.primary_key.columns)
    for row in session.connection().execute(query).yield_per(_BATCH_SIZE).mappings():
        values = {column.name: _encode_value(row[column.name]) for column in table.columns}
        yield json.dumps(values, ensure_ascii=False).encode() + b"\n"


def _encode_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return value + 0.0  # SQLite stores no -0.0
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _replace_rows(session: Session, tables: Sequence[Table], read_lines: LineReader) -> dict[str, int]:
    connection = session.connection()
    is_postgres = connection.dialect.name == "postgresql"
    # An item may be merged into a later one.
    connection.execute(text(_DEFER_KEYS if is_postgres else "PRAGMA defer_foreign_keys=ON"))
    for table in reversed(tables):
        connection.execute(table.delete())
    counts = {table.name: _insert_lines(session, table, read_lines(table.name)) for table in tables}
    if is_postgres:
        _finish_postgres_load(connection, tables)
        return counts
    # The commit would refuse such a row without naming it.
    for name, row, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
        raise StoreError(f"{name}.jsonl: row {row} points to nothing in {parent}.jsonl", INCOMPLETE_HINT)
    return counts


def _finish_postgres_load(connection: Connection, tables: Sequence[Table]) -> None:
    try:
        connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    except IntegrityError as error:
        raise StoreError(f"item.jsonl: {error.orig}", INCOMPLETE_HINT) from error
    connection.execute(text(_RESTORE_KEYS))
    for table in tables:
        if "id" in table.columns and isinstance(table.columns["id"].type, Integer):
            sequence = func.pg_get_serial_sequence(table.name, "id")
            newest = select(func.coalesce(func.max(table.columns["id"]), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(sequence, newest, False)))


def _insert_lines(session: Session, table: Table, lines: Iterator[bytes]) -> int:
    columns = {column.name: column for column in table.columns}
    count = 0
    batch: list[dict[str, Any]] = []
    store = partial(session.connection().execute, insert(table))
    try:
        for line in lines:
            count += 1
            batch.append(_parse_row(columns, line))
            if len(batch) == _BATCH_SIZE:
                store(batch)
                batch = []
        if batch:
            store(batch)
    except (ValueError, TypeError) as error:
        raise StoreError(f"{table.name}.jsonl, line {count}: {error}", INCOMPLETE_HINT) from error
    except (DataError, IntegrityError, InterfaceError, ProgrammingError) as error:  # a row's own fault, not the disk's
        reason = str(error.orig).partition("\n")[0]
        raise StoreError(f"{table.name}.jsonl, line {count} or before: {reason}", INCOMPLETE_HINT) from error
    return count


def _parse_row(columns: Mapping[str, Column[Any]], line: bytes) -> dict[str, Any]:
    """Return a line's values by column; ValueError or TypeError for anything but a complete row of the table."""
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("is not a JSON object")
    if wrong := sorted(row.keys() ^ columns.keys()):
        raise ValueError(f"{'has an unknown' if wrong[0] in row else 'lacks the'} column {wrong[0]!r}")
    return {name: _decode_value(columns[name], value) for name, value in row.items()}


def _decode_value(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value)
    return datetime.fromisoformat(value) if isinstance(column.type, UTCDateTime) else value
