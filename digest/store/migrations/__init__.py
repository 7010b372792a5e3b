"""Alembic revisions, run on open. `python -m digest.store.migrations "what changes"` drafts the next one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config


def settings(connection: Connection) -> Config:
    """Alembic's configuration, held in code so that no ini file is needed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Bring the database of an open transaction to the newest schema."""
    from alembic import command

    command.upgrade(settings(connection), "head")
