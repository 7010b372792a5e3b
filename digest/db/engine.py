"""Opens the database: pragmas, transactions, migrations on open, consistent copies. What only SQLite knows is here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import URL, ColumnElement, Connection, Engine, create_engine, event, func, inspect, select, tuple_
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import TypeEngine
from sqlmodel import Session, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

import digest.models  # noqa: F401  the tables must be known before the metadata is read
from digest.errors import StoreError
from digest.files import make_partial_path

DATABASE_FILE = "digest.db"  # in the workspace's folder
HEAD_REVISION = "0003"  # the newest migration this program knows; a test holds it to the versions folder
_BUSY_TIMEOUT_MS = 15_000
_PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    f"busy_timeout={_BUSY_TIMEOUT_MS}",
    "synchronous=FULL",
    "cache_spill=2000",  # pages a transaction may hold (8 MB, given back at its end) before any is written twice
)

BindProcessor = Callable[[Any], Any]  # makes of a value what SQLite stores


class Database:
    """One workspace's database file. `read()` and `write()` give sessions; a write is one BEGIN IMMEDIATE."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_sqlite_engine(path)
        try:
            _migrate(self._engine, path)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one consistent snapshot; nothing of it is stored."""
        with _translate_errors(self.path), Session(self._engine, expire_on_commit=False) as session:
            yield session
            session.expunge_all()  # closing rolls back, which would empty rows that are still in use

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Session]:
        """A session that holds the write lock from its start and commits at its end, or stores nothing.

        What is not `lasting` outlives the process, but not a power cut before the next write that is: claims, say.
        """
        with _translate_errors(self.path), Session(self._engine, expire_on_commit=False) as session:
            session.connection(execution_options={"digest_immediate": True, "digest_lasting": durable})
            yield session
            session.commit()

    @contextmanager
    def keep_open(self) -> Iterator[None]:
        """Keep a connection open during many small writes: SQLite writes everything back when the last one closes."""
        with _translate_errors(self.path), self._engine.connect():
            yield

    def copy_to(self, target: Path) -> None:
        """Write a consistent copy, also while others write."""
        with _translate_errors(self.path):
            _copy_database(self.path, target)

    def check_integrity(self) -> list[str]:
        """What SQLite's own checks find wrong; empty when all is well."""
        with _translate_errors(self.path), closing(sqlite3.connect(self.path)) as raw:
            found = [row[0] for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
            found += [
                f"{row[0]}: row {row[1]} points to nothing in {row[2]}" for row in raw.execute(_FOREIGN_KEY_CHECK)
            ]
        return found

    def close(self) -> None:
        self._engine.dispose()


_FOREIGN_KEY_CHECK = "PRAGMA foreign_key_check"


def upsert(
    session: Session,
    table: type[SQLModel],
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert rows in bulk; where `keys` exist already, set the `update` columns, or leave the row if there are none.

    Every row has the same columns. Without `keys` a row that exists already is an error.
    """
    if rows:
        statement, bound = _compile_insert(table, tuple(rows[0]), tuple(keys), tuple(update))
        columns = [[row[name] for row in rows] for name, _ in bound]
        values = [[*map(bind, column)] if bind else column for column, (_, bind) in zip(columns, bound, strict=True)]
        session.connection().exec_driver_sql(statement, list(zip(*values, strict=True)))


@cache
def _compile_insert(
    table: type[SQLModel], columns: tuple[str, ...], keys: tuple[str, ...], update: tuple[str, ...]
) -> tuple[str, list[tuple[str, BindProcessor | None]]]:
    """The statement as SQLite takes it and, in the order of its marks, the columns with what makes their values.

    Executed by SQLAlchemy it would be bound row by row, which costs more than all that SQLite does.
    """
    statement = insert(table)
    if update:
        new = {name: statement.excluded[name] for name in update}
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=new)
    elif keys:
        statement = statement.on_conflict_do_nothing(index_elements=list(keys))
    compiled = statement.compile(dialect=_DIALECT, column_keys=list(columns))
    kinds: dict[str, Any] = {column.name: type(column.type) for column in inspect(table).columns}
    return str(compiled), [(name, _get_bind_processor(kinds[name])) for name in compiled.positiontup or ()]


@cache
def _get_bind_processor(kind: type[TypeEngine[Any]]) -> BindProcessor | None:
    """What makes of a column's values what SQLite stores; None where they are that already."""
    bind = kind().dialect_impl(_DIALECT).bind_processor(_DIALECT)
    return lru_cache(16_384)(bind) if bind and kind is UTCDateTime else bind  # an item's stand in its mention too


def in_list(column: Any, values: Iterable[str | int]) -> ColumnElement[bool]:
    """`column IN values` for any number of values: one bound parameter, so that the statement is compiled once."""
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return cast(ColumnElement[bool], column.in_(select(listed.c.value)))


def in_pairs(first_column: Any, second_column: Any, values: Iterable[tuple[str, str]]) -> ColumnElement[bool]:
    """`(one, other) IN values` in the same way."""
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    pair = select(func.json_extract(listed.c.value, "$[0]"), func.json_extract(listed.c.value, "$[1]"))
    return cast(ColumnElement[bool], tuple_(first_column, second_column).in_(pair))


def _encode_json(value: Any) -> str:
    """JSON; most values of an item are empty, and those need no encoder."""
    return json.dumps(value) if value or value not in ([], {}) else "[]" if value == [] else "{}"


_DIALECT = sqlite_dialect(json_serializer=_encode_json)


def create_sqlite_engine(path: Path) -> Engine:
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} is not a folder", "`digest init DIR` makes a workspace")
    engine = create_engine(
        URL.create("sqlite", database=str(path)),  # as a string, a ? or % in the folder's name would mean something
        pool_size=4,
        max_overflow=16,
        connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000},
        json_serializer=_encode_json,
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: sqlite3.Connection, _: object) -> None:
        raw.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in _PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        immediate = options.get("digest_immediate")
        if immediate:  # with a log ahead, NORMAL does not sync: https://www.sqlite.org/pragma.html#pragma_synchronous
            level = "FULL" if options.get("digest_lasting", True) else "NORMAL"
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


_DISK_SIGNS = ("disk is full", "unable to open", "readonly", "disk I/O")
_DAMAGE_SIGNS = (
    "malformed",
    "not a database",
    "vtable constructor failed",
)  # the last: the search index cannot be read
_ERROR_MESSAGES = (
    (("locked", "busy"), "is in use by another process", "wait for it, or stop it"),
    (_DISK_SIGNS, "cannot be read or written: {text}", "look at the disk's space and the file's rights"),
    (_DAMAGE_SIGNS, "is damaged: {text}", "`digest backup --restore FILE` brings one back"),
)


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """SQLite's own troubles as StoreError; mistakes in a statement stay bugs."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        text = str(getattr(error, "orig", error))
        for signs, words, cure in _ERROR_MESSAGES:
            if any(sign in text for sign in signs):
                raise StoreError(f"{path.name} {words.format(text=text)}", cure) from error
        raise


def _migrate(engine: Engine, path: Path) -> None:
    """Run the migrations that are missing; an older database is copied first, a newer one is refused."""
    with _translate_errors(path):
        here = _read_revision(path)
        if here == HEAD_REVISION:
            return
        if here is not None and here > HEAD_REVISION:
            raise StoreError(
                f"{path.name} was made by a newer digest (schema {here}, this one knows {HEAD_REVISION})",
                "install the newer version, or restore a backup",
            )
        if here is not None:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            _copy_database(path, path.with_name(f"{path.name}.before-{HEAD_REVISION}-{stamp}"))
        from digest.db.migrations import upgrade_schema

        with engine.connect().execution_options(digest_immediate=True) as connection, connection.begin():
            upgrade_schema(connection)


def _read_revision(path: Path) -> str | None:
    if not path.exists() or path.stat().st_size == 0:
        return None
    raw = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_MS / 1000)
    try:
        tables = raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        if not tables[0]:
            return None
        row = raw.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
    finally:
        raw.close()


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's online backup into a temporary name, then a rename: a half copy never bears the final name."""
    partial = make_partial_path(target)
    origin, copy = sqlite3.connect(source), sqlite3.connect(partial)
    try:
        origin.backup(copy)
    finally:
        copy.close()
        origin.close()
    partial.replace(target)
