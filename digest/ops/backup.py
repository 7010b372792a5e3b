"""Back up the database, sources.yaml, templates and site into one file, and restore it."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from digest.context import Context, record_run
from digest.db.engine import DATABASE_FILE, uses_postgres
from digest.db.maintenance import check_database_file, restore_database
from digest.errors import DigestError, NotFoundError, StoreError, describe_read_error
from digest.files import check_paths_inside, list_files, make_partial_path, write_documents
from digest.protocols import Document, Report

RESTORE_HINT = "run `digest export --import DIR` in an empty workspace, or pg_restore"
_MANIFEST = "manifest.json"
_GENERATED = ("_site", ".jekyll-cache")  # Jekyll makes them again
_INCLUDED = ("sources.yaml", "templates", "site")


def create_backup(context: Context, target: Path | None = None) -> Report:
    """Write a backup to `target`, by default in backups/ of the workspace; an incomplete one never has that name."""
    with record_run(context, "backup") as report:
        target = target or context.root / "backups" / f"digest-{context.now:%Y%m%dT%H%M%SZ}.zip"
        report.numbers = write_backup(context, target)
        report.line = f"{report.numbers['files']} files, {report.numbers['bytes']} bytes → {target}"
    return report


def write_backup(context: Context, target: Path) -> dict[str, int]:
    """Write a backup file; return how many files and bytes it holds."""
    partial = make_partial_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _make_temporary_folder(target) as folder:
            copy = folder / DATABASE_FILE
            context.db.copy_to(copy)
            files = {DATABASE_FILE: copy} | dict(_list_files(context.root))
            sums = _pack_files(partial, files, context.now)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DigestError(f"{target} cannot be written: {error.strerror or error}", "name a file elsewhere") from error
    return {"files": len(sums), "bytes": target.stat().st_size}


def find_newest_backup(root: Path) -> Path | None:
    """Return the newest backup in the workspace's backups/."""
    return max((root / "backups").glob("digest-*.zip"), default=None)


def describe_lost_database(root: Path) -> str:
    """Describe a database that is missing or empty although issues were published; else return ""."""
    paths = (root / DATABASE_FILE, root / f"{DATABASE_FILE}-wal")
    if uses_postgres():
        return ""
    posts = [path for path in list_files(root, "site/_posts") if path.endswith(".md")]
    if not posts or any(path.exists() and path.stat().st_size for path in paths):
        return ""
    state = "empty" if paths[0].exists() else "gone"
    count = "1 post is" if len(posts) == 1 else f"{len(posts)} posts are"
    return f"{DATABASE_FILE} is {state}, and {count} in site/_posts"


def restore_backup(root: Path, now: datetime, source: Path, save_current: Callable[[Path], object]) -> Report:
    """Restore everything a backup holds, after `save_current` has saved the present state. Other files stay.

    Checks every checksum and path first. Raises StoreError for a damaged backup, NotFoundError for a missing one.
    A damaged database is moved aside.
    """
    if uses_postgres():
        raise StoreError("a backup holds an SQLite file, and this workspace is on PostgreSQL", RESTORE_HINT)
    database = root / DATABASE_FILE
    with _make_temporary_folder(database) as folder:
        documents, copy = _unpack_backup(source, folder)
        check_paths_inside(root, documents)
        saved = root / "backups" / f"before-restore-{now:%Y%m%dT%H%M%SZ}.zip"
        if database.exists() and database.stat().st_size and not check_database_file(database):
            save_current(saved)
        restore_database(copy, database)
        changed = write_documents(root, documents)
    line = f"the database and {len(changed)} of {len(documents)} files restored from {source.name}"
    if saved.exists():
        line += f"; the previous state is in {saved.relative_to(root)}"
    return Report("restore", line, numbers={"files": len(documents) + 1, "changed": len(changed)})


@contextmanager
def _make_temporary_folder(target: Path) -> Iterator[Path]:
    """Make a folder beside the target, and remove it at the end."""
    folder = make_partial_path(target)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _list_files(root: Path) -> Iterator[tuple[str, Path]]:
    for included in _INCLUDED:
        start = root / included
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            name = path.relative_to(root)
            if path.is_file() and not path.is_symlink() and not set(_GENERATED) & set(name.parts):
                yield name.as_posix(), path


def _pack_files(target: Path, files: dict[str, Path], now: datetime) -> dict[str, str]:
    sums = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as packed:
        for name, path in files.items():
            packed.write(path, name)
            with packed.open(name) as written:  # the checksum of what was packed, in case the file changes meanwhile
                digest = sha256()
                for block in iter(lambda: written.read(1 << 20), b""):
                    digest.update(block)
            sums[name] = digest.hexdigest()
        packed.writestr(_MANIFEST, json.dumps({"made": now.isoformat(), "sha256": sums}, indent=1))
    return sums


def _unpack_backup(source: Path, folder: Path) -> tuple[list[Document], Path]:
    """Check every checksum; return the files as documents, and the path of the database in `folder`."""
    copy, documents = folder / DATABASE_FILE, []
    try:
        with zipfile.ZipFile(source) as packed:
            sums: dict[str, str] = json.loads(packed.read(_MANIFEST))["sha256"]
            for name, digest in sums.items():
                body = packed.read(name)
                if sha256(body).hexdigest() != digest:
                    raise StoreError(f"{source.name}: {name} is damaged", "choose another backup")
                if name == DATABASE_FILE:
                    copy.write_bytes(body)
                elif name.split("/", 1)[0] in _INCLUDED:
                    documents.append(Document(name, body))
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        kind = NotFoundError if isinstance(error, FileNotFoundError) else StoreError
        raise kind(f"{source} is not a backup: {describe_read_error(error)}", "`digest backup` writes one") from error
    if not copy.exists():
        raise StoreError(f"{source.name} holds no database", "choose another backup")
    return documents, copy
