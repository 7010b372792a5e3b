"""Alembic revisions, run on open. `python -m digest.db.migrations "what changes"` drafts the next one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config


def build_alembic_config(connection: Connection) -> Config:
    """Build Alembic's configuration in code, so that no ini file is needed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade_schema(connection: Connection, revision: str = "head") -> None:
    """Migrate the database of an open transaction to a schema, the newest by default."""
    from alembic import command

    command.upgrade(build_alembic_config(connection), revision)


def list_revisions() -> list[str]:
    """List every schema that this program can migrate from, the newest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory(str(Path(__file__).parent)).walk_revisions()]
