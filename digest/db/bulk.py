"""Bulk statements for SQLite and PostgreSQL: upsert of many rows, and conditions on any number of values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, cast

from sqlalchemy import Boolean, ColumnElement, Insert, Integer, inspect, tuple_
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine
from sqlmodel import Session, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

BindProcessor = Callable[[Any], Any]  # turns a value into what SQLite stores


def upsert(
    session: Session,
    table: type[SQLModel],
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert rows in bulk; where `keys` exist, set the `update` columns, or leave the row if there are none.

    All rows have the same columns. Without `keys` a row that exists is an error.
    """
    if rows and session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # takes a while to import

        session.connection().execute(_build_insert(postgresql, table, tuple(keys), tuple(update)), list(rows))
    elif rows:
        statement, bound = _compile_insert(table, tuple(rows[0]), tuple(keys), tuple(update))
        columns = [[row[name] for row in rows] for name, _ in bound]
        values = [[*map(bind, column)] if bind else column for column, (_, bind) in zip(columns, bound, strict=True)]
        session.connection().exec_driver_sql(statement, list(zip(*values, strict=True)))


@cache
def _compile_insert(
    table: type[SQLModel], columns: tuple[str, ...], keys: tuple[str, ...], update: tuple[str, ...]
) -> tuple[str, list[tuple[str, BindProcessor | None]]]:
    """Compile the statement, with the column and the processor of each of its marks.

    SQLAlchemy would bind row by row, which costs more than all that SQLite does.
    """
    compiled = _build_insert(sqlite, table, keys, update).compile(dialect=_DIALECT, column_keys=list(columns))
    types: dict[str, Any] = {column.name: type(column.type) for column in inspect(table).columns}
    return str(compiled), [(name, _get_bind_processor(types[name])) for name in compiled.positiontup or ()]


def _build_insert(dialect: Any, table: type[SQLModel], keys: tuple[str, ...], update: tuple[str, ...]) -> Insert:
    statement = dialect.insert(table)
    if update:
        new_values = {name: statement.excluded[name] for name in update}
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=new_values)
    elif keys:
        statement = statement.on_conflict_do_nothing(index_elements=list(keys))
    return cast(Insert, statement)


@cache
def _get_bind_processor(column_type: type[TypeEngine[Any]]) -> BindProcessor | None:
    bind = column_type().dialect_impl(_DIALECT).bind_processor(_DIALECT)
    # The times of an item recur in its mention.
    return lru_cache(16_384)(bind) if bind and column_type is UTCDateTime else bind


def in_list(column: Any, values: Iterable[str | int]) -> ColumnElement[bool]:
    """Build `column IN values` with one bound parameter, so that the statement is compiled once."""
    listed = _Numbers if isinstance(getattr(column, "type", None), Integer) else _Texts
    return cast(ColumnElement[bool], column.op("IN", return_type=Boolean())(listed(json.dumps(list(values)))))


def in_pairs(first_column: Any, second_column: Any, values: Iterable[tuple[str, str]]) -> ColumnElement[bool]:
    """Build `(first, second) IN values` in the same way."""
    pairs = _Pairs(json.dumps(list(values)))
    return cast(ColumnElement[bool], tuple_(first_column, second_column).op("IN", return_type=Boolean())(pairs))


class _Texts(FunctionElement[Any]):
    """A subquery of the texts of a JSON array."""

    inherit_cache = True
    sqlite_query = "SELECT value FROM json_each({})"
    postgresql_query = "SELECT json_array_elements_text(CAST({} AS JSON))"


class _Numbers(_Texts):
    """A subquery of the whole numbers of a JSON array."""

    inherit_cache = True
    postgresql_query = "SELECT CAST(json_array_elements_text(CAST({} AS JSON)) AS BIGINT)"


class _Pairs(_Texts):
    """A subquery of the pairs of texts of a JSON array."""

    inherit_cache = True
    sqlite_query = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each({})"
    postgresql_query = "SELECT pair ->> 0, pair ->> 1 FROM json_array_elements(CAST({} AS JSON)) AS pair"


@compiles(_Texts, "sqlite")
def _compile_for_sqlite(element: _Texts, compiler: Any, **options: Any) -> str:
    return f"({element.sqlite_query.format(compiler.process(element.clauses, **options))})"


@compiles(_Texts, "postgresql")
def _compile_for_postgresql(element: _Texts, compiler: Any, **options: Any) -> str:
    return f"({element.postgresql_query.format(compiler.process(element.clauses, **options))})"


def encode_json(value: Any) -> str:
    """Encode JSON; most values of an item are empty, and those need no encoder."""
    return json.dumps(value) if value or value not in ([], {}) else "[]" if value == [] else "{}"


_DIALECT = sqlite.dialect(json_serializer=encode_json)
