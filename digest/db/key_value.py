"""Small values by name, which the program created or the editor gave once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, select

from digest.models.runs import KeyValue

# Names of the texts of imported issues and reviews, before the period.
IMPORTED_REVIEW_PREFIX = "import:review:"


def load_values(session: Session, prefix: str) -> dict[str, dict[str, Any]]:
    """Load the values whose names begin with a prefix, by name."""
    rows = session.exec(select(KeyValue).where(col(KeyValue.name).startswith(prefix, autoescape=True)))
    return {row.name: dict(row.value) for row in rows}


def load_value(session: Session, name: str) -> dict[str, Any]:
    """Load a value; empty where there is none."""
    setting = session.get(KeyValue, name)
    return dict(setting.value) if setting else {}


def save_value(session: Session, name: str, value: Mapping[str, Any], now: datetime) -> None:
    """Store a value."""
    session.merge(KeyValue(name=name, value=dict(value), at=now))


def delete_value(session: Session, name: str) -> None:
    """Delete a value, if there is one."""
    session.connection().execute(delete(KeyValue).where(col(KeyValue.name) == name))
