"""Work on foreign documents in other processes, each with a deadline: a hostile one costs itself, not the run.

A process that hangs, dies or eats its memory is replaced. `concurrent.futures` cannot kill one task of a pool.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast

from digest.errors import ParseError
from digest.fetch.serving import LENGTH

T = TypeVar("T")
_BUFFER = 1 << 20
_BOOT = "import sys; sys.path[:] = {path!r}; from digest.fetch.serving import serve; serve()"
# A worker reads foreign bytes and needs no secret.
_ENVIRONMENT = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONHASHSEED", "PYTHONUTF8"})


class Workers:
    """A few worker processes, each started when first needed. `run` may be awaited from many tasks at once."""

    def __init__(self, count: int = 1, *, deadline: float = 30.0) -> None:
        self._deadline = deadline
        self._count = count
        self._idle: asyncio.Queue[_Worker | None] = asyncio.Queue()  # None: a place without a process
        self._all: set[_Worker] = set()
        self._early: asyncio.Task[None] | None = None

    def begin(self, nothing: Callable[[], None]) -> None:
        """Start a process before there is work for it; calling `nothing` there brings in the modules it will need."""
        self._early = asyncio.create_task(self.run(nothing))

    async def run(self, function: Callable[..., T], *arguments: Any, subject: str = "") -> T:
        """Call a module-level function in a worker. Its DigestErrors come back; hanging or dying is a ParseError."""
        worker = await self._idle.get()
        try:
            worker = worker or await self._start()
            async with asyncio.timeout(self._deadline):
                good, value = await worker.ask(function, arguments)
        except (TimeoutError, EOFError, ConnectionError) as error:
            slow = isinstance(error, TimeoutError)
            fate = f"took more than {self._deadline:g} seconds to read" if slow else "broke the process that read it"
            raise ParseError(f"{subject or function.__name__}: the document {fate}") from error
        finally:
            if worker and not worker.idle:
                await self._drop(worker)
            self._idle.put_nowait(worker if worker and worker.idle else None)
        if not good:
            raise cast(Exception, value)
        return cast(T, value)

    async def __aenter__(self) -> Workers:
        for _ in range(self._count):
            self._idle.put_nowait(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._early:
            self._early.cancel()
            await asyncio.gather(self._early, return_exceptions=True)
        for worker in self._all:
            await worker.stop()

    async def _start(self) -> _Worker:
        worker = await _Worker.start(self._deadline)
        self._all.add(worker)
        return worker

    async def _drop(self, worker: _Worker) -> None:
        self._all.discard(worker)
        await worker.stop()


class _Worker:
    """One process and the pipe to it; `idle` is False from a question until its answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.idle = True

    @classmethod
    async def start(cls, deadline: float) -> _Worker:
        code = _BOOT.format(path=sys.path)
        environment = {name: value for name, value in os.environ.items() if name in _ENVIRONMENT}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            str(deadline),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            limit=_BUFFER,
            start_new_session=True,  # Ctrl-C is for the parent, which then stops its workers
        )
        return cls(process)

    async def ask(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """The function's value, or the exception it raised. Raises EOFError when the process is gone."""
        self.idle = False
        sink, source = self._process.stdin, self._process.stdout
        assert sink is not None
        assert source is not None
        question = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        sink.write(LENGTH.pack(len(question)))
        sink.write(question)
        await sink.drain()
        (length,) = LENGTH.unpack(await source.readexactly(LENGTH.size))
        answer = pickle.loads(await source.readexactly(length))  # noqa: S301  our own process wrote it
        self.idle = True
        return cast(tuple[bool, Any], answer)

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
