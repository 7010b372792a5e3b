"""The database file: pragmas, transactions, migrations on open, consistent copies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

import digest.models  # noqa: F401  the tables must be known before the metadata is read
from digest.db.bulk import encode_json
from digest.errors import StoreError
from digest.files import make_partial_path

DATABASE_FILE = "digest.db"  # in the workspace's folder
HEAD_REVISION = "0003"  # the newest migration; a test compares it with the versions folder
BUSY_SECONDS = 15.0
_PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_SECONDS * 1000:.0f}",
    "synchronous=FULL",
    "cache_spill=2000",  # pages a transaction may hold (8 MB, given back at its end) before any is written twice
)
_DISK_SIGNS = ("disk is full", "unable to open", "readonly", "disk I/O")
_DAMAGE_SIGNS = ("malformed", "not a database", "vtable constructor failed")  # the last: of the search index
_ERROR_MESSAGES = (
    (("locked", "busy"), "is in use by another process", "wait for it, or stop it"),
    (_DISK_SIGNS, "cannot be read or written: {text}", "check the disk's space and the file's permissions"),
    (_DAMAGE_SIGNS, "is damaged: {text}", "run `digest backup --restore FILE` to restore a backup"),
)


class Database:
    """The database file of one workspace. `read()` and `write()` give sessions; a write is one BEGIN IMMEDIATE."""

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
        """Open a session on one consistent snapshot, which stores nothing."""
        with _translate_errors(self.path), Session(self._engine, expire_on_commit=False) as session:
            yield session
            session.expunge_all()  # closing rolls back, which would empty rows that are still in use

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Session]:
        """Open a session that holds the write lock from its start and commits at its end, or stores nothing.

        Without `durable` a power cut may undo the write until the next durable one, which suits locks.
        """
        with _translate_errors(self.path), Session(self._engine, expire_on_commit=False) as session:
            session.connection(execution_options={"digest_immediate": True, "digest_durable": durable})
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
        """List what SQLite's own checks find wrong."""
        with _translate_errors(self.path), closing(sqlite3.connect(self.path)) as raw:
            problems = [row[0] for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
            dangling = raw.execute("PRAGMA foreign_key_check")
            return problems + [f"{row[0]}: row {row[1]} points to nothing in {row[2]}" for row in dangling]

    def close(self) -> None:
        self._engine.dispose()


def create_sqlite_engine(path: Path) -> Engine:
    """Create an engine that sets the pragmas and says BEGIN itself."""
    if not path.parent.is_dir():
        raise StoreError(f"{path.parent} is not a folder", "`digest init DIR` makes a workspace")
    engine = create_engine(
        URL.create("sqlite", database=str(path)),  # as a string, a ? or % in the folder's name would mean something
        pool_size=4,
        max_overflow=16,
        connect_args={"timeout": BUSY_SECONDS},
        json_serializer=encode_json,
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: sqlite3.Connection, _: object) -> None:
        raw.isolation_level = None  # BEGIN is said below
        for pragma in _PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        immediate = options.get("digest_immediate")
        if immediate:  # with a log ahead, NORMAL does not sync: https://www.sqlite.org/pragma.html#pragma_synchronous
            level = "FULL" if options.get("digest_durable", True) else "NORMAL"
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    """Raise SQLite's errors of disk and file as StoreError; a mistake in a statement stays a bug."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        text = str(getattr(error, "orig", error))
        for signs, message, hint in _ERROR_MESSAGES:
            if any(sign in text for sign in signs):
                raise StoreError(f"{path.name} {message.format(text=text)}", hint) from error
        raise


def _migrate(engine: Engine, path: Path) -> None:
    """Run the missing migrations, after a copy of an older database; refuse a newer one."""
    with _translate_errors(path):
        revision = _read_revision(path)
        if revision == HEAD_REVISION:
            return
        if revision is not None and revision > HEAD_REVISION:
            raise StoreError(
                f"{path.name} was made by a newer digest (schema {revision}, this one knows {HEAD_REVISION})",
                "install the newer version, or restore a backup",
            )
        if revision is not None:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            _copy_database(path, path.with_name(f"{path.name}.before-{HEAD_REVISION}-{stamp}"))
        from digest.db.migrations import upgrade_schema

        with engine.connect().execution_options(digest_immediate=True) as connection, connection.begin():
            upgrade_schema(connection)


def _read_revision(path: Path) -> str | None:
    if not path.exists() or path.stat().st_size == 0:
        return None
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as raw:
        if not raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[0]:
            return None
        row = raw.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def _copy_database(source: Path, target: Path) -> None:
    """Copy by SQLite's online backup under a temporary name, so that a partial copy never has the final one."""
    partial = make_partial_path(target)
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(partial)) as copy:
        origin.backup(copy)
    partial.replace(target)
