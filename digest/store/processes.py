"""How a process signs what it is at in the store, and whether the one that signed is still there."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

from digest.scratch import alive

_PROC = Path("/proc")


def this_process() -> str:
    """How this process signs what it is at: host/pid@began. The number alone is given to another process in time."""
    return f"{socket.gethostname()}/{_numbered(os.getpid())}"


def at_work(holder: str) -> bool:
    """Whether the process that signed may still be alive; one of another machine always may."""
    host, _, process = holder.partition("/")
    pid, _, began = process.partition("@")
    if host != socket.gethostname() or not pid.isdigit():
        return True
    return alive(int(pid)) and (not began or _began(int(pid)) in (began, ""))


@cache
def _numbered(pid: int) -> str:
    return f"{pid}@{_began(pid)}"


def _began(pid: int) -> str:
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
