"""Names for files on their way to a final name, the removal of those whose writer was killed, and who still lives."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path
from uuid import uuid4

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
