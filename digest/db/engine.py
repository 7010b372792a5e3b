"""The database of a workspace: an SQLite file, or a schema of PostgreSQL; sessions and migrations on open."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlmodel import Session

import digest.models  # noqa: F401  the tables must be known before the metadata is read
from digest.db.bulk import encode_json
from digest.db.owner import claim_schema
from digest.errors import StoreError
from digest.files import make_partial_path

DATABASE_FILE = "digest.db"  # in the workspace's folder
DATABASE_URL_ENV = "DIGEST_DATABASE_URL"
HEAD_REVISION = "0007"  # the newest migration; a test compares it with the versions folder
BUSY_SECONDS = 15.0
FROZEN_SECONDS, FROZEN_SHARED_SECONDS = 120, 15  # without a statement; no stage computes that long in a transaction
_REVISION_SQL = "SELECT version_num FROM alembic_version"
_PRAGMAS = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    f"busy_timeout={BUSY_SECONDS * 1000:.0f}",
    "synchronous=FULL",
    "cache_spill=2000",  # pages a transaction may hold (8 MB, given back at its end) before any is written twice
)
_DISK_SIGNS = ("disk is full", "unable to open", "readonly", "disk I/O")
_DAMAGE_SIGNS = ("malformed", "not a database", "vtable constructor failed")  # the last: of the search index
_SQLITE_MESSAGES = (
    (("locked", "busy"), "is in use by another process", "wait for it, or stop it"),
    (_DISK_SIGNS, "cannot be read or written: {text}", "check the disk's space and the file's permissions"),
    (_DAMAGE_SIGNS, "is damaged: {text}", "run `digest backup --restore FILE` to restore a backup"),
)
_POSTGRES_MESSAGES = (
    (("No space left",), "cannot be written: {text}", "free space on the disk of PostgreSQL"),
    (("permission denied", "read-only"), "cannot be written: {text}", "grant the role CREATE on the database"),
    (
        ("connection", "starting up", "shutting down", "terminating"),
        "cannot be reached: {text}",
        f"check PostgreSQL and {DATABASE_URL_ENV}",
    ),
)
# The order of texts must not depend on the locale of the database.
_COLLATE_SQL = """DO $$ DECLARE place record; BEGIN
    FOR place IN SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND data_type = 'character varying' AND collation_name IS NULL
    LOOP EXECUTE format('ALTER TABLE %I ALTER COLUMN %I TYPE VARCHAR COLLATE "C"', place.table_name, place.column_name);
    END LOOP; END $$"""
Messages = tuple[tuple[tuple[str, ...], str, str], ...]


class Database:
    """The database of one workspace. `read()` and `write()` give sessions; one write at a time.

    It is the SQLite file at `path`, or a schema of the PostgreSQL server at `url`, by default of DIGEST_DATABASE_URL.
    """

    def __init__(self, path: Path, url: str | None = None) -> None:
        self.path = path
        url = os.environ.get(DATABASE_URL_ENV, "") if url is None else url
        self.schema, self._shared_schema = _choose_schemas(url, path) if url else ("", "")
        self._is_named_by_folder = bool(url) and "schema" not in make_url(url).query
        self._name = f"schema {self.schema}" if url else path.name
        self._engine = _create_postgres_engine(url, self.schema) if url else create_sqlite_engine(path)
        try:
            if url:
                self._migrate_postgres()
            else:
                _migrate_sqlite(self._engine, path)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session on one consistent snapshot, which stores nothing."""
        with self._translate_errors(), Session(self._engine, expire_on_commit=False) as session:
            if self.schema:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session
            session.expunge_all()  # closing rolls back, which would empty rows that are still in use

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Session]:
        """Open a session that holds the write lock from its start and commits at its end, or stores nothing.

        Without `durable` a power cut may undo the write until the next durable one, which suits locks.
        """
        with self._open_writer(self.schema, durable) as session:
            yield session

    @contextmanager
    def write_shared(self) -> Iterator[Session]:
        """Open such a session, which need not be durable, on what all workspaces of a PostgreSQL server share."""
        with self._open_writer(self._shared_schema, False) as session:
            if self.schema:
                session.execute(text(f"SET LOCAL search_path TO {self._shared_schema}"))
            yield session

    @contextmanager
    def _open_writer(self, schema: str, durable: bool) -> Iterator[Session]:
        with self._translate_errors(), Session(self._engine, expire_on_commit=False) as session:
            connection = session.connection(execution_options={"digest_immediate": True, "digest_durable": durable})
            if self.schema:
                # The server ends the transaction of a frozen process, for which all others would wait.
                seconds = FROZEN_SHARED_SECONDS if schema == self._shared_schema else FROZEN_SECONDS
                connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout TO '{seconds}s'"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": compute_lock_key(schema)})
                if not durable:
                    connection.execute(text("SET LOCAL synchronous_commit TO off"))
            yield session
            session.commit()

    @contextmanager
    def try_advisory_lock(self, name: str) -> Iterator[bool]:
        """Hold a lock of PostgreSQL while the block runs; the value says whether it is ours."""
        key = {"key": compute_lock_key(f"{self.schema}:{name}")}
        with self._translate_errors():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            is_ours = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one())
            yield is_ours
            if is_ours:
                with suppress(DatabaseError):  # the end of the connection has released it
                    connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
        except BaseException:
            connection.invalidate()  # closes it, which releases the lock
            raise
        finally:
            connection.close()

    @contextmanager
    def keep_open(self) -> Iterator[None]:
        """Keep a connection open during many small writes: SQLite writes everything back when the last one closes."""
        with self._translate_errors(), self._engine.connect():
            yield

    def read_clock(self) -> datetime:
        """Return the time: of the server, whose workers may have clocks that differ, or of this machine."""
        if not self.schema:
            return datetime.now(UTC)
        with self._translate_errors(), self._engine.connect() as connection:
            now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
            return now.astimezone(UTC)

    def copy_to(self, target: Path) -> None:
        """Write a consistent copy of the file, also while others write."""
        if self.schema:
            raise StoreError(
                f"{self._name} is on PostgreSQL, and no file to copy", "run `digest export DIR`, or pg_dump"
            )
        with self._translate_errors():
            _copy_database(self.path, target)

    def check_integrity(self) -> list[str]:
        """List what SQLite's own checks find wrong; PostgreSQL checks itself."""
        if self.schema:
            with self.read() as session:
                session.execute(text("SELECT 1"))
            return []
        with self._translate_errors(), closing(sqlite3.connect(self.path)) as raw:
            problems = [row[0] for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
            dangling = raw.execute("PRAGMA foreign_key_check")
            return problems + [f"{row[0]}: row {row[1]} points to nothing in {row[2]}" for row in dangling]

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        with _translate_errors(self._name, _POSTGRES_MESSAGES if self.schema else _SQLITE_MESSAGES):
            yield

    def _migrate_postgres(self) -> None:
        """Create the schema, and run the missing migrations; refuse a newer schema."""
        from digest.db.migrations import upgrade_schema

        with self._translate_errors(), self._engine.begin() as connection:
            tables = inspect(connection).get_table_names(self.schema)
            revision = connection.execute(text(_REVISION_SQL)).scalar() if "alembic_version" in tables else None
            if self._is_named_by_folder and revision is not None:
                claim_schema(connection, self.schema, self.path.parent)
            if revision == HEAD_REVISION:
                return
            _refuse_newer(self._name, revision)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": compute_lock_key("migrations")})
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"'))
            upgrade_schema(connection)
            connection.execute(text(_COLLATE_SQL))
            if self._is_named_by_folder:
                claim_schema(connection, self.schema, self.path.parent)
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {self._shared_schema}"))
            connection.execute(text(f"CREATE TABLE IF NOT EXISTS {self._shared_schema}.lock (LIKE lock INCLUDING ALL)"))


def compute_lock_key(name: str) -> int:
    """Return the number of an advisory lock."""
    return int.from_bytes(hashlib.sha256(f"digest:{name}".encode()).digest()[:8], signed=True)


def uses_postgres() -> bool:
    """Return whether workspaces are kept on PostgreSQL and not in files."""
    return bool(os.environ.get(DATABASE_URL_ENV))


def _choose_schemas(url: str, path: Path) -> tuple[str, str]:
    """Name a workspace's schema after its folder, and the one that all workspaces share for the locks on sites.

    `?schema=` and `?shared=` of the URL name others, with {name} and {hash} of the folder.
    """
    folder = path.parent.resolve()
    try:
        query = make_url(url).query
    except ArgumentError as error:
        raise StoreError(f"{DATABASE_URL_ENV} is no URL", "write postgresql://user@host/database") from error
    name = re.sub(r"[^a-z0-9]+", "_", folder.name.lower()).strip("_")
    hashed = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    templates = (query.get("schema", "digest_{name}"), query.get("shared", "digest_shared"))
    names = (str(template).replace("{name}", name).replace("{hash}", hashed) for template in templates)
    schema, shared = (re.sub(r"[^a-z0-9_]", "_", each)[:63] for each in names)
    return schema, shared


def _create_postgres_engine(url: str, schema: str) -> Engine:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise StoreError("PostgreSQL needs psycopg", "pip install 'digest-newsletter[postgres]'") from error
    address = make_url(url)
    if address.get_backend_name() != "postgresql":
        raise StoreError(f"{DATABASE_URL_ENV} is not a postgresql:// URL", "write postgresql://user@host/database")
    return create_engine(
        address.set(drivername="postgresql+psycopg").difference_update_query(["schema", "shared"]),
        pool_size=4,
        max_overflow=16,
        pool_pre_ping=True,
        connect_args={"options": f"-c search_path={schema} -c timezone=UTC"},
        json_serializer=encode_json,
    )


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
def _translate_errors(name: str, messages: Messages) -> Iterator[None]:
    """Raise errors of disk, file and connection as StoreError; a mistake in a statement stays a bug."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        text = str(getattr(error, "orig", error)).partition("\n")[0]
        for signs, message, hint in messages:
            if any(sign in text for sign in signs):
                raise StoreError(f"{name} {message.format(text=text)}", hint) from error
        raise


def _migrate_sqlite(engine: Engine, path: Path) -> None:
    """Run the missing migrations, after a copy of an older database; refuse a newer one."""
    with _translate_errors(path.name, _SQLITE_MESSAGES):
        revision = _read_revision(path)
        if revision == HEAD_REVISION:
            return
        _refuse_newer(path.name, revision)
        if revision is not None:
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
            _copy_database(path, path.with_name(f"{path.name}.before-{HEAD_REVISION}-{stamp}"))
        from digest.db.migrations import upgrade_schema

        with engine.connect().execution_options(digest_immediate=True) as connection, connection.begin():
            upgrade_schema(connection)


def _refuse_newer(name: str, revision: str | None) -> None:
    if revision is not None and revision > HEAD_REVISION:
        raise StoreError(
            f"{name} was made by a newer digest (schema {revision}, this one knows {HEAD_REVISION})",
            "install the newer version, or restore a backup",
        )


def _read_revision(path: Path) -> str | None:
    if not path.exists() or path.stat().st_size == 0:
        return None
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as raw:
        if not raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[0]:
            return None
        row = raw.execute(_REVISION_SQL).fetchone()
        return str(row[0]) if row else None


def _copy_database(source: Path, target: Path) -> None:
    """Copy by SQLite's online backup under a temporary name, so that a partial copy never has the final one."""
    partial = make_partial_path(target)
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(partial)) as copy:
        origin.backup(copy)
    partial.replace(target)
