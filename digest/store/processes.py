"""How a process signs what it is at in the store, and whether the one that signed is still there."""

from __future__ import annotations

import socket

from digest import scratch


def this_process() -> str:
    """How this process signs what it is at: host/pid@began."""
    return f"{socket.gethostname()}/{scratch.this_process()}"


def of_this_machine(holder: str) -> bool:
    """Whether the process that signed is one of this machine."""
    return holder.partition("/")[0] == socket.gethostname()


def at_work(holder: str) -> bool:
    """Whether the process that signed may still be alive; one of another machine always may."""
    process = holder.partition("/")[2]
    if not of_this_machine(holder) or not process.partition("@")[0].isdigit():
        return True
    return scratch.alive(process)
