"""Progress for a person: a rich bar on a terminal, silence in a pipe or under cron."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from digest.ports import NullProgress, Progress
from digest.text import sanitise_for_terminal

T = TypeVar("T")


class QuietProgress(NullProgress):
    """Shows nothing but lines said on purpose."""

    def print_line(self, line: str) -> None:
        print(sanitise_for_terminal(line), file=sys.stderr)  # noqa: T201


class BarProgress(QuietProgress):
    """Rich bars on standard error, gone when the work is done."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
        from rich.console import Console
        from rich.progress import track

        return track(items, label, total, console=Console(stderr=True), transient=True)

    @contextmanager
    def task(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        from rich.console import Console
        from rich.progress import Progress as RichProgress

        with RichProgress(console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task(label, total=total)
            yield lambda step: bars.advance(bar, step)


def choose_progress() -> Progress:
    """Bars on a terminal, quiet elsewhere."""
    return BarProgress() if sys.stderr.isatty() else QuietProgress()
