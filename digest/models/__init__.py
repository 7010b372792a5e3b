"""The tables: one definition is domain type and schema. Datetimes are aware and in UTC."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field


def json_column(default: type) -> Any:
    """Make a JSON column that starts as an empty `default()`."""
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


# Whoever imports one table gets all: the metadata has to be complete before it is read.
from digest.models import issues, items, predictions, runs, subscribers  # noqa: E402, F401
