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
from digest.store.database import Database, _engine
from digest.store.migrations import upgrade

_OWN = ("item_words", "alembic_version")  # the search index with its parts, and what says which schema it is


@contextmanager
def brought_forward(
    path: Path, revision: str, fill: Callable[[Session, Sequence[Table]], object], *, without: Collection[str] = ()
) -> Iterator[Database]:
    """A passing database beside `path`: made at an earlier schema, filled there, opened at the newest.

    `fill` gets the tables as that schema has them, those that are pointed to first, but for those named in `without`.
    """
    folder = scratch.beside(path)
    folder.mkdir(mode=0o700)
    try:
        _make(folder / path.name, revision, fill, without)
        database = Database(folder / path.name)
        try:
            yield database
        finally:
            database.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make(
    path: Path, revision: str, fill: Callable[[Session, Sequence[Table]], object], without: Collection[str]
) -> None:
    engine = _engine(path)
    try:
        with engine.begin() as connection:
            upgrade(connection, revision)
            with Session(connection) as session:
                fill(session, [table for table in _found(session) if table.name not in without])
    finally:
        engine.dispose()


def _found(session: Session) -> list[Table]:
    """The tables that lie in the database, not those of the models."""
    metadata = MetaData()
    event.listen(metadata, "column_reflect", _typed)
    metadata.reflect(session.connection(), only=lambda name, _: not name.startswith(_OWN))
    return metadata.sorted_tables


def _typed(_: object, __: object, column: dict[str, Any]) -> None:
    """Give times the type that the models give them: SQLite keeps no time zone, and tells of none."""
    if isinstance(column["type"], DateTime):
        column["type"] = UTCDateTime()
