"""How a process signs what it is at in the store, and whether the one that signed is still there."""

from __future__ import annotations

import socket

from digest import scratch


def identify_host_process() -> str:
    """How this process signs what it is at: host/pid@began."""
    return f"{socket.gethostname()}/{scratch.identify_process()}"


def is_on_this_machine(holder: str) -> bool:
    """Whether the process that signed is one of this machine."""
    return holder.partition("/")[0] == socket.gethostname()


def may_be_running(holder: str) -> bool:
    """Whether the process that signed may still be alive; one of another machine always may."""
    process = holder.partition("/")[2]
    if not is_on_this_machine(holder) or not process.partition("@")[0].isdigit():
        return True
    return scratch.is_process_alive(process)
