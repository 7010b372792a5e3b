"""Work on foreign documents in other processes, each with a deadline: a hostile one costs itself, not the run.

A process that hangs, dies or eats its memory is replaced. `concurrent.futures` cannot kill one task of a pool.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import struct
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, cast

from digest.errors import DigestError, ParseError

T = TypeVar("T")
_LENGTH = struct.Struct("!Q")
_MEMORY = 1 << 30  # address space of a worker; the largest honest document needs a tenth of it
_BUFFER = 1 << 20
_BOOT = "import sys; sys.path[:] = {path!r}; from digest.fetch.worker import serve; serve()"
# A worker reads foreign bytes and needs no secret.
_ENVIRONMENT = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "PYTHONHASHSEED", "PYTHONUTF8"})


class Workers:
    """A few worker processes, each started when first needed. `run` may be awaited from many tasks at once."""

    def __init__(self, count: int = 1, *, deadline: float = 30.0) -> None:
        self._deadline = deadline
        self._count = count
        self._idle: asyncio.Queue[_Worker | None] = asyncio.Queue()  # None: a place without a process
        self._all: set[_Worker] = set()

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
        sink.write(_LENGTH.pack(len(question)))
        sink.write(question)
        await sink.drain()
        (length,) = _LENGTH.unpack(await source.readexactly(_LENGTH.size))
        answer = pickle.loads(await source.readexactly(length))  # noqa: S301  our own process wrote it
        self.idle = True
        return cast(tuple[bool, Any], answer)

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


def serve() -> None:
    """A worker's life: read a question, answer it, until the parent closes the pipe."""
    deadline = float(sys.argv[1])
    _limit_memory()
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    while header := source.read(_LENGTH.size):
        question = source.read(_LENGTH.unpack(header)[0])
        if hasattr(signal, "setitimer"):  # should the parent be killed meanwhile, this process ends by itself
            signal.setitimer(signal.ITIMER_REAL, deadline + 5)
        answer = pickle.dumps(_answer(question), pickle.HIGHEST_PROTOCOL)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        sink.write(_LENGTH.pack(len(answer)))
        sink.write(answer)
        sink.flush()


def _answer(question: bytes) -> tuple[bool, Any]:
    try:
        function, arguments = pickle.loads(question)  # noqa: S301  our own parent wrote it
        return True, function(*arguments)
    except DigestError as error:
        return False, error
    except Exception as error:  # a parser's bug on one document must not end the run; its kind is in the ledger
        return False, ParseError(f"the document cannot be read ({type(error).__name__}: {str(error)[:200]})")


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit; the deadline still holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
