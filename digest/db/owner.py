"""Which folder a schema of PostgreSQL belongs to, so that two folders of one name never share their rows."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, text

from digest.errors import StoreError, describe_read_error

OWNER_FILE = ".digest-id"  # in the workspace's folder; every checkout of the workspace has it


def claim_schema(connection: Connection, schema: str, folder: Path) -> None:
    """Record the folder as the schema's owner, or check that it is.

    The schema's comment and a file of the folder hold the same identity. Raises StoreError where another folder has
    the schema.
    """
    query = text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = :schema")
    owner = _parse_owner(connection.execute(query, {"schema": schema}).scalar())
    identity, place = _read_identity(folder), f"{socket.gethostname()}:{folder.resolve()}"
    if owner and identity != owner["id"] and (identity or owner["place"] != place):
        raise StoreError(
            f"schema {schema} belongs to the workspace {owner['place']}",
            f"rename the folder {folder.name} or add ?schema=NAME to the URL; "
            f"if both are the same workspace, copy its {OWNER_FILE} here",
        )
    if not owner:
        owner = {"id": identity or uuid4().hex, "place": place}
        comment = json.dumps(owner).replace("'", "''").replace(":", r"\:")  # a colon would name a parameter
        connection.execute(text(f"COMMENT ON SCHEMA {schema} IS '{comment}'"))
    if identity != owner["id"]:
        _write_identity(folder, owner["id"])


def _parse_owner(comment: str | None) -> dict[str, str]:
    """Read the comment of a schema; empty for one of another origin."""
    try:
        owner = json.loads(comment or "{}")
    except ValueError:
        return {}
    is_ours = isinstance(owner, dict) and isinstance(owner.get("id"), str) and isinstance(owner.get("place"), str)
    return owner if is_ours else {}


def _read_identity(folder: Path) -> str:
    try:
        return (folder / OWNER_FILE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{OWNER_FILE} cannot be read: {describe_read_error(error)}", "restore the file") from error


def _write_identity(folder: Path, identity: str) -> None:
    try:
        (folder / OWNER_FILE).write_text(f"{identity}\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{OWNER_FILE} cannot be written: {describe_read_error(error)}", "make the folder writable"
        ) from error
