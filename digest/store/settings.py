"""Small facts the program minted or the editor answered once, by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from digest.models import Setting


def read(session: Session, name: str) -> dict[str, Any]:
    """A setting's value; empty where there is none."""
    setting = session.get(Setting, name)
    return dict(setting.value) if setting else {}


def write(session: Session, name: str, value: Mapping[str, Any], now: datetime) -> None:
    """Keep a setting."""
    session.merge(Setting(name=name, value=dict(value), at=now))
