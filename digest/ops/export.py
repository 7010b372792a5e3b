"""Export rows and drafts.

`export`: every row as JSON lines and every sheet as Markdown, so that nobody is locked in; and read back.

A database as an earlier version of the program had it, filled, then brought forward as any older one is.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Column, DateTime, LargeBinary, MetaData, Table, event, func, insert, select, text
from sqlalchemy.exc import IntegrityError, InterfaceError, ProgrammingError
from sqlmodel import Session, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from digest.context import Context
from digest.db.engine import HEAD_REVISION, Database, create_sqlite_engine
from digest.db.migrations import list_revisions, upgrade_schema
from digest.db.search import update_search_index
from digest.errors import CheckFailedError, DigestError, NotFoundError, StoreError, describe_read_error
from digest.files import make_partial_path, write_documents
from digest.models.items import Item
from digest.protocols import Document, Report

_INTERNAL_TABLES = (
    "item_words",
    "alembic_version",
)  # the search index with its parts, and what says which schema it is


@contextmanager
def open_upgraded_copy(
    path: Path, revision: str, fill: Callable[[Session, Sequence[Table]], object], *, exclude: Collection[str] = ()
) -> Iterator[Database]:
    """A passing database beside `path`: made at an earlier schema, filled there, opened at the newest.

    `fill` gets the tables as that schema has them, those that are pointed to first, but for those named in `without`.
    """
    folder = make_partial_path(path)
    folder.mkdir(mode=0o700)
    try:
        _build_database(folder / path.name, revision, fill, exclude)
        database = Database(folder / path.name)
        try:
            yield database
        finally:
            database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _build_database(
    path: Path, revision: str, fill: Callable[[Session, Sequence[Table]], object], exclude: Collection[str]
) -> None:
    engine = create_sqlite_engine(path)
    try:
        with engine.begin() as connection:
            upgrade_schema(connection, revision)
            with Session(connection) as session:
                fill(session, [table for table in _reflect_tables(session) if table.name not in exclude])
    finally:
        engine.dispose()


def _reflect_tables(session: Session) -> list[Table]:
    """The tables that lie in the database, not those of the models."""
    metadata = MetaData()
    event.listen(metadata, "column_reflect", _restore_time_zone)
    metadata.reflect(session.connection(), only=lambda name, _: not name.startswith(_INTERNAL_TABLES))
    return metadata.sorted_tables


def _restore_time_zone(_: object, __: object, column: dict[str, Any]) -> None:
    """Give times the type that the models give them: SQLite keeps no time zone, and tells of none."""
    if isinstance(column["type"], DateTime):
        column["type"] = UTCDateTime()


LineReader = Callable[[Table], Iterator[bytes]]  # a table's rows as JSON, one to a line

_TRANSIENT_TABLES = ("lease",)  # claims of processes; they mean nothing elsewhere
_BATCH_SIZE = 2000
_INCOMPLETE_HINT = "the folder must be one whole export"


def export_workspace(context: Context, folder: Path) -> Report:
    """Write tables/NAME.jsonl, sheets/PERIOD.md and schema.json, all of one moment; the same rows give the same bytes.

    Readers' addresses and tokens are among them: treat the folder as you treat the database.
    """
    counts: dict[str, int] = {}
    with context.db.read() as session:
        for table in _list_tables():
            counts[table.name] = _write_lines(
                folder / "tables" / f"{table.name}.jsonl", _read_table_lines(session, table)
            )
        sheets = {row.period: row.text for row in session.connection().execute(text(_NEWEST_DRAFTS_SQL))}
    documents = [Document(f"sheets/{period}.md", words.encode()) for period, words in sheets.items()]
    documents.append(Document("schema.json", json.dumps({"schema": HEAD_REVISION}).encode() + b"\n"))
    write_documents(folder, documents)
    line = f"{sum(counts.values())} rows of {len(counts)} tables, {len(sheets)} sheets → {folder}"
    return Report("export", line, numbers={"sheets": len(sheets), **counts})


_NEWEST_DRAFTS_SQL = """
    SELECT period, text FROM sheet_version WHERE id IN (SELECT max(id) FROM sheet_version GROUP BY period)
"""


def import_workspace(context: Context, folder: Path) -> Report:
    """Read an export into a workspace that is still empty, in one transaction; exporting again gives the same bytes.

    An export of an earlier schema is brought forward by the migrations that a database of its age would run.
    Raises Refused when the store holds items, StoreError when a file is missing, damaged or of a newer schema.
    """
    schema = _read_schema(folder)
    with context.db.write() as session:
        if session.scalar(select(func.count()).select_from(Item)):
            raise CheckFailedError(
                "this workspace holds items already", "`digest init DIR` makes an empty one; import there"
            )
        with _open_export(context, folder, schema) as lines:
            counts = _replace_rows(session, _list_tables(), lines)
        update_search_index(session)
    line = f"{sum(counts.values())} rows of {len(counts)} tables read from {folder}"
    if schema != HEAD_REVISION:
        line += f", brought from schema {schema} to {HEAD_REVISION}"
    return Report("export", line, numbers=counts)


@contextmanager
def _open_export(context: Context, folder: Path, schema: str) -> Iterator[LineReader]:
    """What gives an export's lines at the newest schema, whatever it was written at."""
    files = partial(_read_file_lines, folder)
    if schema == HEAD_REVISION:
        yield files
        return
    fill = partial(_replace_rows, lines=files)
    with open_upgraded_copy(context.db.path, schema, fill, exclude=_TRANSIENT_TABLES) as older, older.read() as session:
        yield partial(_read_table_lines, session)


def _list_tables() -> list[Table]:
    """Every table, those that are pointed to first."""
    return [table for table in SQLModel.metadata.sorted_tables if table.name not in _TRANSIENT_TABLES]


def _read_table_lines(session: Session, table: Table) -> Iterator[bytes]:
    query = select(table).order_by(*table.primary_key.columns)
    for row in session.connection().execute(query).yield_per(_BATCH_SIZE).mappings():
        values = {column.name: _encode_value(row[column.name]) for column in table.columns}
        yield json.dumps(values, ensure_ascii=False).encode() + b"\n"


def _encode_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _write_lines(path: Path, lines: Iterator[bytes]) -> int:
    unfinished, count = path.with_name(f"{path.name}.partial"), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            for line in lines:
                file.write(line)
                count += 1
        unfinished.replace(path)
    except OSError as error:
        raise DigestError(f"{path} cannot be written: {error.strerror or error}", "name another folder") from error
    return count


def _read_schema(folder: Path) -> str:
    """The schema that an export was written at, one that this program knows."""
    try:
        found = str(json.loads((folder / "schema.json").read_bytes())["schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        kind = StoreError if folder.exists() else NotFoundError
        raise kind(f"{folder} is no export: {describe_read_error(error)}", "`digest export DIR` makes one") from error
    if found != HEAD_REVISION and found not in list_revisions():
        told = f"{folder} was exported at schema {found[:40]!r}, which this digest (at {HEAD_REVISION}) does not know"
        raise StoreError(told, "install the version that wrote it, or a newer one")
    return found


def _read_file_lines(folder: Path, table: Table) -> Iterator[bytes]:
    path = folder / "tables" / f"{table.name}.jsonl"
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {describe_read_error(error)}", _INCOMPLETE_HINT) from error


def _replace_rows(session: Session, tables: Sequence[Table], lines: LineReader) -> dict[str, int]:
    """Put lines in the place of all that the tables hold; returns how many by table."""
    session.connection().execute(text("PRAGMA defer_foreign_keys=ON"))  # an item may be merged into a later one
    for table in reversed(tables):
        session.connection().execute(table.delete())
    counts = {table.name: _insert_lines(session, table, lines(table)) for table in tables}
    _check_foreign_keys(session)
    return counts


def _insert_lines(session: Session, table: Table, lines: Iterator[bytes]) -> int:
    columns = {column.name: column for column in table.columns}
    connection, count = session.connection(), 0
    batch: list[dict[str, Any]] = []
    try:
        for line in lines:
            count += 1
            batch.append(_parse_row(columns, line))
            if len(batch) == _BATCH_SIZE:
                connection.execute(insert(table), batch)
                batch = []
        if batch:
            connection.execute(insert(table), batch)
    except (ValueError, TypeError) as error:
        raise StoreError(f"{table.name}.jsonl, line {count}: {error}", _INCOMPLETE_HINT) from error
    except (IntegrityError, InterfaceError, ProgrammingError) as error:  # a row's own fault, not the disk's
        raise StoreError(f"{table.name}.jsonl, line {count} or before: {error.orig}", _INCOMPLETE_HINT) from error
    return count


def _parse_row(columns: Mapping[str, Column[Any]], line: bytes) -> dict[str, Any]:
    """A line's values by column; ValueError or TypeError for what is not a whole row of the table."""
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError("is not a JSON object")
    if wrong := sorted(row.keys() ^ columns.keys()):
        raise ValueError(f"{'has an unknown' if wrong[0] in row else 'lacks the'} column {wrong[0]!r}")
    return {name: _decode_value(columns[name], value) for name, value in row.items()}


def _check_foreign_keys(session: Session) -> None:
    """Raise StoreError for a row that points to none; said here, for the commit that would refuse it has no name."""
    for table, row, parent, _ in session.connection().execute(text("PRAGMA foreign_key_check")):
        raise StoreError(f"{table}.jsonl: row {row} points to nothing in {parent}.jsonl", _INCOMPLETE_HINT)


def _decode_value(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, LargeBinary):
        return base64.b64decode(value)
    return datetime.fromisoformat(value) if isinstance(column.type, UTCDateTime) else value
