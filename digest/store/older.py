"""A database as an earlier version of the program had it, filled, then brought forward as any older one is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import DateTime, MetaData, Table, event
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from digest import scratch
from digest.store.database import Database, create_sqlite_engine
from digest.store.migrations import upgrade_schema

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
    folder = scratch.make_partial_path(path)
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
