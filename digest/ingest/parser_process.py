"""multiprocessing.Pool(1) with deadline and memory limit.

Work on foreign documents in other processes, each with a deadline: a hostile one costs itself, not the run.

A process that hangs, dies or eats its memory is replaced. `concurrent.futures` cannot kill one task of a pool.

The other side of `worker`, inside the process that reads foreign documents. Few imports: it starts for every run.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar, cast

from digest.errors import DigestError, ParseError

LENGTH_HEADER = struct.Struct("!Q")  # stands before every question and answer
_MEMORY_LIMIT = 1 << 30  # address space of a worker; the largest honest document needs a tenth of it


def serve_calls() -> None:
    """A worker's life: read a question, answer it, until the parent closes the pipe."""
    deadline = float(sys.argv[1])
    _limit_memory()
    _widen_pipe(1)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    while header := source.read(LENGTH_HEADER.size):
        question = source.read(LENGTH_HEADER.unpack(header)[0])
        if hasattr(signal, "setitimer"):  # should the parent be killed meanwhile, this process ends by itself
            signal.setitimer(signal.ITIMER_REAL, deadline + 5)
        answer = pickle.dumps(_call_and_pickle(question), pickle.HIGHEST_PROTOCOL)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        sink.write(LENGTH_HEADER.pack(len(answer)))
        sink.write(answer)
        sink.flush()


def _call_and_pickle(question: bytes) -> tuple[bool, Any]:
    try:
        function, arguments = pickle.loads(question)  # noqa: S301  our own parent wrote it
        return True, function(*arguments)
    except DigestError as error:
        return False, error
    except Exception as error:  # a parser's bug on one document must not end the run; its kind is in the ledger
        return False, ParseError(f"the document cannot be read ({type(error).__name__}: {str(error)[:200]})")


def _widen_pipe(pipe: int) -> None:
    """Let a megabyte of answers wait in the pipe, so that this process goes on while its parent is busy."""
    with suppress(ImportError, AttributeError, OSError):  # only Linux can
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the deadline still holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))


T = TypeVar("T")
_PIPE_BUFFER = 1 << 20
_CALLS_AHEAD = 8  # questions a process has been given: while a transaction is written, this one comes late to ask more
_CHILD_CODE = "import sys; sys.path[:] = {path!r}; from digest.ingest.parser_process import serve_calls; serve_calls()"
# A worker reads foreign bytes and needs no secret.
_CHILD_ENVIRONMENT = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONHASHSEED", "PYTHONUTF8"}
)


class ParserPool:
    """A few worker processes, each started when first needed. `run` may be awaited from many tasks at once."""

    def __init__(self, count: int = 1, *, deadline: float = 30.0) -> None:
        self._slots = [_WorkerSlot(deadline) for _ in range(count)]
        self._free: asyncio.Queue[_WorkerSlot] = asyncio.Queue()
        self._deadline = deadline
        self._prestart_task: asyncio.Task[None] | None = None

    def prestart(self, preload: Callable[[], None]) -> None:
        """Start a process before there is work for it; calling `nothing` there brings in the modules it will need."""
        self._prestart_task = asyncio.create_task(self.run(preload))

    async def run(self, function: Callable[..., T], *arguments: Any, subject: str = "") -> T:
        """Call a module-level function in a worker. Its DigestErrors come back; hanging or dying is a ParseError."""
        place = await self._free.get()
        try:
            good, value = await place.call(function, arguments)
        except (TimeoutError, EOFError, ConnectionError) as error:
            slow = isinstance(error, TimeoutError)
            fate = f"took more than {self._deadline:g} seconds to read" if slow else "broke the process that read it"
            raise ParseError(f"{subject or function.__name__}: the document {fate}") from error
        finally:
            self._free.put_nowait(place)
        if not good:
            raise cast(Exception, value)
        return cast(T, value)

    async def __aenter__(self) -> ParserPool:
        for place in self._slots * _CALLS_AHEAD:
            self._free.put_nowait(place)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._prestart_task:
            self._prestart_task.cancel()
            await asyncio.gather(self._prestart_task, return_exceptions=True)
        for place in self._slots:
            await place.stop()


class _WorkerSlot:
    """Room for one process at a time, started when there is work for it, and in place of one that is broken."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._worker: _Worker | None = None
        self._starting = asyncio.Lock()

    async def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """As `_Worker.ask`; a question that stood behind the one that broke the process is put to the next process."""
        while True:
            worker = await self._get_worker()
            try:
                return await worker.call(function, arguments)
            except _BrokenBeforeError:
                continue

    async def stop(self) -> None:
        """End the process that is there."""
        if self._worker:
            await self._worker.stop()

    async def _get_worker(self) -> _Worker:
        async with self._starting:
            if self._worker and self._worker.is_broken:
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
        self.is_broken = False

    @classmethod
    async def start(cls, deadline: float) -> _Worker:
        code = _CHILD_CODE.format(path=sys.path)
        environment = {name: value for name, value in os.environ.items() if name in _CHILD_ENVIRONMENT}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            str(deadline),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            limit=_PIPE_BUFFER,
            start_new_session=True,  # Ctrl-C is for the parent, which then stops its workers
        )
        return cls(process, deadline)

    async def call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        """The function's value, or the exception it raised. Raises EOFError when the process is gone.

        The deadline runs from the answer before. Who gives up leaves an answer nobody reads, so the process goes too.
        """
        assert self._process.stdin is not None
        question = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        self._process.stdin.write(LENGTH_HEADER.pack(len(question)))
        self._process.stdin.write(question)
        try:
            async with self._turn:
                if self.is_broken:
                    raise _BrokenBeforeError
                async with asyncio.timeout(self._deadline):
                    return await self._read_reply()
        except BaseException:
            self._kill()
            raise

    async def _read_reply(self) -> tuple[bool, Any]:
        sink, source = self._process.stdin, self._process.stdout
        assert sink is not None
        assert source is not None
        await sink.drain()
        (length,) = LENGTH_HEADER.unpack(await source.readexactly(LENGTH_HEADER.size))
        answer = pickle.loads(await source.readexactly(length))  # noqa: S301  our own process wrote it
        return cast(tuple[bool, Any], answer)

    def _kill(self) -> None:
        self.is_broken = True
        with suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        self._kill()
        await self._process.wait()
