"""Work on foreign documents in other processes, each with a deadline: a hostile one costs itself, not the run.

A process that hangs, dies or eats its memory is replaced. `concurrent.futures` cannot kill one task of a pool.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar, cast

from digest.errors import ParseError
from digest.fetch.serving import LENGTH

T = TypeVar("T")
_BUFFER = 1 << 20
_AT_HAND = 8  # questions a process has been given: while a transaction is written, this one comes late to ask more
_BOOT = "import sys; sys.path[:] = {path!r}; from digest.fetch.serving import serve; serve()"
# A worker reads foreign bytes and needs no secret.
_ENVIRONMENT = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONHASHSEED", "PYTHONUTF8"})


class Workers:
    """A few worker processes, each started when first needed. `run` may be awaited from many tasks at once."""

    def __init__(self, count: int = 1, *, deadline: float = 30.0) -> None:
        self._places = [_Place(deadline) for _ in range(count)]
        self._free: asyncio.Queue[_Place] = asyncio.Queue()
        self._deadline = deadline
        self._early: asyncio.Task[None] | None = None

    def begin(self, nothing: Callable[[], None]) -> None:
        """Start a process before there is work for it; calling `nothing` there brings in the modules it will need."""
        self._early = asyncio.create_task(self.run(nothing))

    async def run(self, function: Callable[..., T], *arguments: Any, subject: str = "") -> T:
        """Call a module-level function in a worker. Its DigestErrors come back; hanging or dying is a ParseError."""
        place = await self._free.get()
        try:
            good, value = await place.ask(function, arguments)
        except (TimeoutError, EOFError, ConnectionError) as error:
            slow = isinstance(error, TimeoutError)
            fate = f"took more than {self._deadline:g} seconds to read" if slow else "broke the process that read it"
            raise ParseError(f"{subject or function.__name__}: the document {fate}") from error
        finally:
            self._free.put_nowait(place)
        if not good:
            raise cast(Exception, value)
        return cast(T, value)

    async def __aenter__(self) -> Workers:
        for place in self._places * _AT_HAND:
            self._free.put_nowait(place)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._early:
            self._early.cancel()
            await asyncio.gather(self._early, return_exceptions=True)
        for place in self._places:
            await place.stop()


class _Place:
    """Room for one process at a time, started when there is work for it, and in place of one that is broken."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._worker: _Worker | None = None
        self._starting = asyncio.Lock()

    async def ask(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """As `_Worker.ask`; a question that stood behind the one that broke the process is put to the next process."""
        while True:
            worker = await self._process()
            try:
                return await worker.ask(function, arguments)
            except _BrokenBeforeError:
                continue

    async def stop(self) -> None:
        """End the process that is there."""
        if self._worker:
            await self._worker.stop()

    async def _process(self) -> _Worker:
        async with self._starting:
            if self._worker and self._worker.broken:
                await self._worker.stop()
                self._worker = None
            self._worker = self._worker or await _Worker.start(self._deadline)
            return self._worker


class _BrokenBeforeError(Exception):
    """The process broke over a question before this one."""


class _Worker:
    """One process and the pipe to it. It is asked ahead, so that it need not wait while this process is busy."""

    def __init__(self, process: asyncio.subprocess.Process, deadline: float) -> None:
        self._process = process
        self._deadline = deadline
        self._turn = asyncio.Lock()  # answers come in the order of the questions, and so do those who wait for them
        self.broken = False

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
        return cls(process, deadline)

    async def ask(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """The function's value, or the exception it raised. Raises EOFError when the process is gone.

        The deadline runs from the answer before. Who gives up leaves an answer nobody reads, so the process goes too.
        """
        assert self._process.stdin is not None
        question = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        self._process.stdin.write(LENGTH.pack(len(question)))
        self._process.stdin.write(question)
        try:
            async with self._turn:
                if self.broken:
                    raise _BrokenBeforeError
                async with asyncio.timeout(self._deadline):
                    return await self._answer()
        except BaseException:
            self._break()
            raise

    async def _answer(self) -> tuple[bool, Any]:
        sink, source = self._process.stdin, self._process.stdout
        assert sink is not None
        assert source is not None
        await sink.drain()
        (length,) = LENGTH.unpack(await source.readexactly(LENGTH.size))
        answer = pickle.loads(await source.readexactly(length))  # noqa: S301  our own process wrote it
        return cast(tuple[bool, Any], answer)

    def _break(self) -> None:
        self.broken = True
        with suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        self._break()
        await self._process.wait()
