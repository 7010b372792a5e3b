"""Export every row as JSON lines and every draft as Markdown, and read such a folder back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from digest.context import Context
from digest.db.dump import INCOMPLETE_HINT, dump_tables, load_dump
from digest.db.engine import HEAD_REVISION
from digest.db.issues import load_newest_draft_texts
from digest.db.items import count_items
from digest.db.migrations import list_revisions
from digest.db.subscribers import count_subscribers_by_state
from digest.errors import CheckFailedError, DigestError, NotFoundError, StoreError, describe_read_error
from digest.files import write_documents
from digest.protocols import Document, Report
from digest.text import format_count


def export_workspace(context: Context, folder: Path, *, is_public: bool = False) -> Report:
    """Write tables/NAME.jsonl, sheets/PERIOD.md and schema.json, all of one moment; the same rows give the same bytes.

    The addresses and tokens of subscribers are among them: treat the folder as you treat the database.
    Raises CheckFailedError when the export `is_public` and there are subscribers.
    """
    with context.db.read() as session:
        if is_public and (count := sum(count_subscribers_by_state(session).values())):
            raise CheckFailedError(
                f"the export would publish the addresses of {format_count(count, 'subscriber')}",
                "make the repository private, or keep the list at a mailing platform: `digest mail export`",
            )
        counts = {
            name: _write_lines(folder / "tables" / f"{name}.jsonl", lines) for name, lines in dump_tables(session)
        }
        drafts = load_newest_draft_texts(session)
    documents = [Document(f"sheets/{period}.md", text.encode()) for period, text in drafts.items()]
    documents.append(Document("schema.json", json.dumps({"schema": HEAD_REVISION}).encode() + b"\n"))
    write_documents(folder, documents)
    line = f"{sum(counts.values())} rows of {len(counts)} tables, {len(drafts)} drafts → {folder}"
    return Report("export", line, numbers={"sheets": len(drafts), **counts})


def import_workspace(context: Context, folder: Path) -> Report:
    """Read an export into a workspace without items, in one transaction; exporting again gives the same bytes.

    An export of an earlier schema passes through the migrations that a database of its age would run.
    Raises CheckFailedError when the database holds items, StoreError when a file is missing, damaged or newer.
    """
    schema = _read_schema(folder)
    with context.db.write() as session:
        if count_items(session):
            raise CheckFailedError("this workspace holds items", "import into an empty one, made by `digest init DIR`")
        counts = load_dump(session, context.db.path, schema, partial(_read_file_lines, folder))
    line = f"{sum(counts.values())} rows of {len(counts)} tables read from {folder}"
    if schema != HEAD_REVISION:
        line += f", brought from schema {schema} to {HEAD_REVISION}"
    return Report("export", line, numbers=counts)


def _write_lines(path: Path, lines: Iterator[bytes]) -> int:
    unfinished, count = path.with_name(f"{path.name}.partial"), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            for line in lines:
                file.write(line)
                count += 1
        unfinished.replace(path)
    except OSError as error:
        raise DigestError(f"{path} cannot be written: {error.strerror or error}", "name another folder") from error
    return count


def _read_schema(folder: Path) -> str:
    """Read the schema that an export was written at, one that this program knows."""
    try:
        schema = str(json.loads((folder / "schema.json").read_bytes())["schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        kind = StoreError if folder.exists() else NotFoundError
        raise kind(
            f"{folder} is not an export: {describe_read_error(error)}", "`digest export DIR` writes one"
        ) from error
    if schema not in (HEAD_REVISION, *list_revisions()):
        message = f"{folder} has the unknown schema {schema[:40]!r}; this digest is at {HEAD_REVISION}"
        raise StoreError(message, "install the version that wrote it, or a newer one")
    return schema


def _read_file_lines(folder: Path, table_name: str) -> Iterator[bytes]:
    path = folder / "tables" / f"{table_name}.jsonl"
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {describe_read_error(error)}", INCOMPLETE_HINT) from error
