"""Atomic writes, confined to a folder; sweeping temporary files.

Writes documents below the site's root: atomically, only when they changed, and never outside.

Names for files on their way to a final name, the removal of those whose writer was killed, and who still lives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePosixPath
from uuid import uuid4

from digest.errors import ConfigError, DigestError, describe_read_error
from digest.protocols import Document

_PARTIAL_SUFFIX = ".partial"
_PROC = Path("/proc")
_SKIPPED_FOLDERS = ("_site",)  # Jekyll's; folders that begin with a dot are passed over too


def make_partial_path(target: Path) -> Path:
    """A free name in the target's folder, hidden, that tells which process writes there."""
    return target.with_name(f".{target.name[:60]}.{uuid4().hex[:8]}.{identify_process()}{_PARTIAL_SUFFIX}")


def identify_process() -> str:
    """This process as number@began. The number alone is given to another process in time."""
    return _format_process(os.getpid())


def is_process_alive(process: str) -> bool:
    """Whether a process of this machine, named as above or by its number alone, may still be at work."""
    number, _, began = process.partition("@")
    return _is_pid_running(int(number)) and (not began or _read_start_time(int(number)) in (began, ""))


def _is_pid_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@cache
def _format_process(pid: int) -> str:
    return f"{pid}@{_read_start_time(pid)}"


def remove_abandoned_files(root: Path) -> int:
    """Remove what killed processes of this machine left half-written anywhere below a folder; returns how many."""
    gone = 0
    for here, folders, files in os.walk(root):
        for name in [*files, *folders]:
            if _is_abandoned(name):
                path = Path(here, name)
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
                gone += 1
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS]
    return gone


def _is_abandoned(name: str) -> bool:
    if not (name.startswith(".") and name.endswith(_PARTIAL_SUFFIX)):
        return False
    process = name.removesuffix(_PARTIAL_SUFFIX).rpartition(".")[2]
    return process.partition("@")[0].isdigit() and not is_process_alive(process)


def _read_start_time(pid: int) -> str:
    """When a process of this machine began, as the system counts; "" where it does not tell."""
    with suppress(OSError):
        status = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        return status.rpartition(")")[2].split()[19]  # proc(5): field 22, and the second, in brackets, is any text
    with suppress(OSError, subprocess.SubprocessError):  # macOS and the BSDs have no /proc
        asked = subprocess.run(  # noqa: S603  a number is all that is foreign
            ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607  where it lies differs
            env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
            capture_output=True,
            check=False,
            text=True,
            timeout=5,
        )
        return "-".join(asked.stdout.split())
    return ""


def write_documents(root: Path, documents: Iterable[Document]) -> list[str]:
    """Write each document whose bytes differ from what is there; returns the paths written, in order.

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


def check_paths_inside(root: Path, documents: Iterable[Document]) -> None:
    """Raise DigestError for the first document whose path leaves the root; touches nothing."""
    for document in documents:
        _resolve_inside(root, document.path)


def write_new_file(root: Path, path: str, body: bytes) -> bool:
    """Write a file unless something stands in its place; returns whether it was written."""
    target = _resolve_inside(root, path)
    return not os.path.lexists(target) and bool(write_documents(root, [Document(path, body)]))


def list_files(root: Path, folder: str) -> list[str]:
    """The paths of the files in a folder of the site, sorted."""
    return sorted(
        path.relative_to(root).as_posix() for path in _resolve_inside(root, folder).glob("*") if path.is_file()
    )


def remove_files(root: Path, paths: Iterable[str]) -> list[str]:
    """Delete files that are no longer part of the site; returns those that were there."""
    gone = []
    for path in paths:
        target = _resolve_inside(root, path)
        if target.is_file():
            target.unlink()
            gone.append(path)
    return gone


def load_template_overrides(folder: Path) -> dict[str, str]:
    """The workspace's own templates, by name; what is not UTF-8 raises DigestError."""
    found = {}
    for path in sorted(folder.glob("**/*.j2")):
        try:
            found[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DigestError(f"template {path.name} cannot be read: {error}", "it must be UTF-8 text") from error
    return found


def _resolve_inside(root: Path, path: str) -> Path:
    """The file a document's path names; symbolic links are followed before judging where it lies."""
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
    """Bytes and directory entry are on the disk before this returns; a crash leaves the old file or the new one."""
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


def write_output_file(path: Path, body: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(body)
        partial.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {describe_read_error(error)}", "name a file in a folder that exists"
        ) from error
