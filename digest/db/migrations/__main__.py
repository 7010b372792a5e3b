"""Draft the next revision from the difference between the tables and the newest schema."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from digest.db.engine import HEAD_REVISION, create_sqlite_engine
from digest.db.migrations import build_alembic_config, upgrade_schema

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        engine = create_sqlite_engine(Path(folder) / "empty.db")
        with engine.begin() as connection:
            upgrade_schema(connection)
        with engine.connect() as connection:
            config = build_alembic_config(connection)
            command.revision(config, sys.argv[1], autogenerate=True, rev_id=f"{int(HEAD_REVISION) + 1:04d}")
