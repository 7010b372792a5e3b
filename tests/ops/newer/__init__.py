"""A schema that comes after the newest, so that a migration can be killed half-way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic.config import Config
from sqlalchemy import Connection

from digest.db import engine as database
from digest.db import migrations

NEWER = "9000"


def newer() -> None:
    """Let this process and its children know a schema that comes after the newest."""
    before = migrations.build_alembic_config

    def settings(connection: Connection) -> Config:
        config = before(connection)
        config.set_main_option(
            "version_locations", f"{Path(migrations.__file__).parent / 'versions'} {Path(__file__).parent}"
        )
        config.set_main_option("path_separator", "space")
        return config

    migrations.build_alembic_config = settings
    database.HEAD_REVISION = NEWER


def schema_is_whole(folder: Path) -> None:
    """Before anything opens the store again: the old schema or the new one, and a copy of the old before the new."""
    raw = sqlite3.connect(folder / "digest.db")
    assert [row[0] for row in raw.execute("PRAGMA integrity_check")] == ["ok"]
    (revision,) = raw.execute("SELECT version_num FROM alembic_version").fetchone()
    made = {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE name LIKE 'newer%'")}
    raw.close()
    assert made == ({"newer", "newer_title"} if revision == NEWER else set()), (revision, made)
    assert revision != NEWER or list(folder.glob(f"digest.db.before-{NEWER}-*"))
