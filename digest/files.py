"""Atomic writes that never leave a folder, and the removal of files that killed processes left unfinished."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from uuid import uuid4

from digest.errors import ConfigError, DigestError, describe_read_error
from digest.protocols import Document

_PARTIAL_SUFFIX = ".partial"
_SKIPPED_FOLDERS = ("_site",)  # Jekyll's; hidden folders are skipped too
_PROCESS_TOKEN = uuid4().hex[:8]  # in containers every process has the same number


def identify_process() -> str:
    """Return this process as number-token; the number alone is given to another process in time."""
    return f"{os.getpid()}-{_PROCESS_TOKEN}"


def is_process_alive(process: str) -> bool:
    """Return whether a process of this machine, named by `identify_process`, may still be running."""
    number, _, token = process.partition("-")
    if not number.isdigit():
        return False
    if int(number) == os.getpid():
        return token == _PROCESS_TOKEN
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def make_partial_path(target: Path) -> Path:
    """Return a free hidden name in the target's folder, which names the process that writes there."""
    return target.with_name(f".{target.name[:60]}.{uuid4().hex[:8]}.{identify_process()}{_PARTIAL_SUFFIX}")


def remove_abandoned_files(root: Path) -> int:
    """Remove what killed processes of this machine left unfinished anywhere below a folder; return how many."""
    count = 0
    for parent, folders, files in os.walk(root):
        for name in filter(_is_abandoned, [*files, *folders]):
            path = Path(parent, name)
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            count += 1
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS]
    return count


def _is_abandoned(name: str) -> bool:
    process = name.removesuffix(_PARTIAL_SUFFIX).rpartition(".")[2]
    is_partial = name.startswith(".") and name.endswith(_PARTIAL_SUFFIX) and process.partition("-")[0].isdigit()
    return is_partial and not is_process_alive(process)


def write_documents(root: Path, documents: Iterable[Document]) -> list[str]:
    """Write each document whose bytes differ from the file's; return the paths written, in order.

    Raises DigestError for a path that leaves the root, and when the disk refuses.
    """
    changed = []
    for document in documents:
        target = _resolve_inside(root, document.path)
        try:
            if not _has_content(target, document.body):
                _replace_atomically(target, document.body)
                changed.append(document.path)
        except OSError as error:
            raise DigestError(
                f"{document.path} cannot be written: {error.strerror or error}",
                f"check {root} and the space on its disk",
            ) from error
    return changed


def list_changed_files(root: Path, documents: Iterable[Document]) -> list[str]:
    """List the paths of the documents that `write_documents` would write."""
    return [each.path for each in documents if not _has_content(_resolve_inside(root, each.path), each.body)]


def check_paths_inside(root: Path, documents: Iterable[Document]) -> None:
    """Raise DigestError for the first document whose path leaves the root; write nothing."""
    for document in documents:
        _resolve_inside(root, document.path)


def write_new_file(root: Path, path: str, body: bytes) -> bool:
    """Write a file unless its path is taken; return whether it was written."""
    target = _resolve_inside(root, path)
    return not os.path.lexists(target) and bool(write_documents(root, [Document(path, body)]))


def list_files(root: Path, folder: str) -> list[str]:
    """List the paths of the files in a folder of the site, sorted."""
    files = (path for path in _resolve_inside(root, folder).glob("*") if path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in files)


def remove_files(root: Path, paths: Iterable[str]) -> list[str]:
    """Delete files that are no longer part of the site; return those that existed."""
    removed = []
    for path in paths:
        target = _resolve_inside(root, path)
        if target.is_file():
            target.unlink()
            removed.append(path)
    return removed


def load_template_overrides(folder: Path) -> dict[str, str]:
    """Read the workspace's own templates, by name; raise DigestError for one that is not UTF-8."""
    templates = {}
    for path in sorted(folder.glob("**/*.j2")):
        try:
            templates[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DigestError(f"template {path.name} cannot be read: {error}", "it must be UTF-8 text") from error
    return templates


def write_output_file(path: Path, body: bytes) -> None:
    """Write a file that the user named, whole or not at all."""
    partial = path.with_name(f"{path.name}{_PARTIAL_SUFFIX}")
    try:
        partial.write_bytes(body)
        partial.replace(path)
    except OSError as error:
        message = f"{path} cannot be written: {describe_read_error(error)}"
        raise ConfigError(message, "name a file in a folder that exists") from error


def _resolve_inside(root: Path, path: str) -> Path:
    """Return the file that a document's path names, after following symbolic links to see where it is."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise DigestError(f"{path!r} is not a path inside the site", "a period or slug that may name a file is needed")
    home = root.resolve()
    target = home.joinpath(*parts)
    followed = target.resolve() if target.is_symlink() else target.parent.resolve()
    if not followed.is_relative_to(home):
        raise DigestError(f"{path!r} leads out of {root.name}", "remove the symbolic link")
    return target


def _has_content(target: Path, body: bytes) -> bool:
    try:
        return target.stat().st_size == len(body) and target.read_bytes() == body
    except FileNotFoundError:
        return False


def _replace_atomically(target: Path, body: bytes) -> None:
    """Replace a file so that a crash leaves the old one or the new one; bytes and name are synced on return."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = make_partial_path(target)
    try:
        with partial.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o644)
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
