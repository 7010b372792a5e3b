"""Puts a copy of the database in the place of a live one, and gives back the room of deleted rows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from digest.errors import StoreError

_FILE_SUFFIXES = ("", "-wal", "-shm")
_BUSY_TIMEOUT_SECONDS = 15.0


def restore_database(copy: Path, target: Path) -> None:
    """Make `target` hold what `copy` holds, in one transaction of SQLite's own: others see the old rows or the new.

    A target that is not a database any more is moved aside as `<name>.damaged` first. Raises StoreError for a copy
    that is damaged, before anything is touched.
    """
    found = check_database_file(copy)
    if found:
        raise StoreError(f"{copy.name} is no sound copy: {found[0]}", "choose another backup")
    if target.exists() and check_database_file(target):
        for suffix in _FILE_SUFFIXES:
            part = Path(f"{target}{suffix}")
            if part.exists():
                part.replace(Path(f"{target}.damaged{suffix}"))
    origin, live = sqlite3.connect(copy), sqlite3.connect(target, timeout=_BUSY_TIMEOUT_SECONDS)
    try:
        origin.backup(live)
    except sqlite3.Error as error:
        raise StoreError(f"{target.name} cannot be restored: {error}", "stop what uses it, then restore") from error
    finally:
        live.close()
        origin.close()


def check_database_file(path: Path) -> list[str]:
    """What SQLite's own check finds wrong with a file; says so too when it is no database at all."""
    address = f"{path.absolute().as_uri()}?mode=rw"  # so that nothing is made where there is none
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=_BUSY_TIMEOUT_SECONDS)) as raw:
            return [str(row[0]) for row in raw.execute("PRAGMA integrity_check") if row[0] != "ok"]
    except sqlite3.Error as error:
        return [str(error)]


def compact_database(path: Path) -> int:
    """Give the room of deleted rows back to the disk; returns how many bytes, 0 when others are at work."""
    before = path.stat().st_size
    raw = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_SECONDS)
    try:
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        return 0
    finally:
        raw.close()
    return max(0, before - path.stat().st_size)
