"""How long work tells a person where it stands, and a stage its outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

T = TypeVar("T")
Clock = Callable[[], datetime]  # aware, UTC


class Progress(Protocol):
    """Shows long work. `track` yields its items; `say` prints one line."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]: ...

    def task(self, label: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]: ...

    def print_line(self, line: str) -> None: ...


class NullProgress:
    """A Progress that shows nothing, for scripts and notebooks."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
        return items

    @contextmanager
    def task(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        yield lambda step: None

    def print_line(self, line: str) -> None:
        """Say nothing."""


@dataclass(slots=True)
class Report:
    """A stage's outcome: one line for a person, numbers for a machine, and what went wrong."""

    stage: str
    line: str
    state: Literal["done", "partial", "failed"] = "done"
    numbers: dict[str, Any] = field(default_factory=dict)
    problems: Sequence[str] = ()
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. A note is worth knowing and no fault; a warning will hurt some day; bad hurts now."""

    subject: str
    state: Literal["good", "note", "warning", "bad"]
    words: str
    cure: str = ""
