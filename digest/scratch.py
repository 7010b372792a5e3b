"""Names for files on their way to a final name, and the removal of those whose writer was killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from uuid import uuid4

_END = ".partial"
_FOREIGN = ("_site",)  # Jekyll's; folders that begin with a dot are passed over too


def beside(target: Path) -> Path:
    """A free name in the target's folder, hidden, that tells which process writes there."""
    return target.with_name(f".{target.name[:60]}.{uuid4().hex[:8]}.{os.getpid()}{_END}")


def alive(pid: int) -> bool:
    """Whether a process of this machine may still be at work."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def sweep(root: Path) -> int:
    """Remove what killed processes of this machine left half-written anywhere below a folder; returns how many."""
    gone = 0
    for here, folders, files in os.walk(root):
        for name in [*files, *folders]:
            if _abandoned(name):
                path = Path(here, name)
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
                gone += 1
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _FOREIGN]
    return gone


def _abandoned(name: str) -> bool:
    if not (name.startswith(".") and name.endswith(_END)):
        return False
    pid = name.removesuffix(_END).rpartition(".")[2]
    return pid.isdigit() and not alive(int(pid))
