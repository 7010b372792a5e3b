"""Table registry.

The tables: one definition serves as domain type and as schema. Datetimes are aware and in UTC.

Column helpers shared by the tables.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field


def json_column(default: type) -> Any:
    """A JSON column that starts as an empty `default()`."""
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))
