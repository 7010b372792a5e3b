"""What every probe does alike: time some work, watch how much memory it takes, and say both on a line for the table."""

from __future__ import annotations

import json
import os
import resource
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Seconds by the clock, the best of so many times."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took)


def told(row: str, seconds: float, watch: Watch | None = None, **facts: Any) -> None:
    """Say what was measured; the table reads these lines as they come."""
    peak = {"peak": round(watch.look())} if watch else {}
    print(json.dumps({"row": row, "seconds": round(seconds, 5), **peak, **facts}), flush=True)


class Watch(threading.Thread):
    """Looks at the memory of this process and its children, often, but for one that plays the rest of the world.

    The kernel's own maximum for a child is no use: it counts what its parent held when it was started.
    """

    def __init__(self, but: int = 0) -> None:
        super().__init__(daemon=True)
        if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
            raise RuntimeError("this system does not list a process's children, so that their memory cannot be counted")
        self._but = but
        self.peak = 0.0  # MB
        self.start()

    def run(self) -> None:
        while True:
            self.look()
            time.sleep(0.03)

    def look(self) -> float:
        """The most so far, in MB."""
        self.peak = max(self.peak, sum(map(_resident, [os.getpid(), *(_children() - {self._but})])))
        return self.peak


def _children() -> set[int]:
    """The processes that each thread of this one has started; all of /proc would cost the work that is being timed."""
    found = set()
    for thread in os.listdir("/proc/self/task"):
        with suppress(OSError):
            found |= set(map(int, Path(f"/proc/self/task/{thread}/children").read_text().split()))
    return found


def _resident(process: int) -> float:
    """Megabytes; 0 for a process that has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    return 0.0
