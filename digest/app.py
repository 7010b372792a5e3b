"""The composition root: opens a workspace, chooses the concrete edges, and offers each stage as a method.

from digest import Workspace
with Workspace("my-newsletter") as workspace:
    workspace.fetch()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from digest.config import Config, load
from digest.pipeline.context import Context
from digest.ports import Clock, Fetcher, Model, Progress, Report, Transport
from digest.store.database import Database

if TYPE_CHECKING:
    from digest.models import Item

T = TypeVar("T")


def system_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class Silent:
    """A Progress that shows nothing, for scripts and notebooks."""

    def track(self, items: Iterable[T], label: str, total: int | None = None) -> Iterable[T]:
        return items

    @contextmanager
    def task(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        yield lambda step: None

    def say(self, line: str) -> None:
        """Say nothing."""


class Workspace:
    """A folder with sources.yaml, templates/, site/ and digest.db."""

    def __init__(
        self, root: Path | str = ".", *, clock: Clock = system_clock, progress: Progress | None = None
    ) -> None:
        self.root = Path(root).resolve()
        self._clock = clock
        self._progress: Progress = progress or Silent()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @cached_property
    def config(self) -> Config:
        """sources.yaml, validated whole; raises ConfigError."""
        return load(self.root / "sources.yaml")

    @cached_property
    def db(self) -> Database:
        """The store, at the newest schema."""
        _ = self.config  # a folder that is no workspace gets no database
        return Database(self.root / "digest.db")

    @cached_property
    def context(self) -> Context:
        """What the stages are given."""
        return Context(
            root=self.root,
            config=self.config,
            db=self.db,
            clock=self._clock,
            progress=self._progress,
            make_fetcher=self._fetcher,
            make_transport=self._transport,
            make_model=self._model,
        )

    def close(self) -> None:
        """Let go of the database."""
        if "db" in self.__dict__:
            self.db.close()

    def search(self, words: str, limit: int = 20) -> list[Item]:
        """Items that hold all the words, best first."""
        from digest.store import search

        with self.db.read() as session:
            return search.search(session, words, limit)

    def _fetcher(self) -> Fetcher:
        raise NotImplementedError

    def _transport(self) -> Transport:
        raise NotImplementedError

    def _model(self) -> Model | None:
        return None

    def _done(self, stage: str) -> Report:
        return Report(stage=stage, line="")
