"""Call functions on foreign documents in a child process that has a deadline and a memory limit.

A document that hangs the process, kills it or exhausts its memory costs itself alone: the process is replaced.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar, cast

from digest.errors import DigestError, ParseError

T = TypeVar("T")
_MEMORY_LIMIT = 1 << 30  # bytes of address space; the largest honest document needs a tenth of it


class ParserPool:
    """One parser process, started by the first call. `run` may be awaited from many tasks at once.

    A thread sends each call and waits for its result, so that the child never waits for a busy event loop.
    """

    def __init__(self, *, deadline: float = 30.0) -> None:
        self._deadline = deadline
        self._thread = ThreadPoolExecutor(1, "parser")
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    async def run(self, function: Callable[..., T], *arguments: Any, subject: str = "") -> T:
        """Call a module-level function in the child. A DigestError comes back; hanging or dying is a ParseError."""
        job = self._thread.submit(self._call, function, arguments)
        try:
            is_result, value = await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            if job.running():
                self._kill()
            raise
        except (TimeoutError, EOFError, OSError) as error:
            is_slow = isinstance(error, TimeoutError)
            reason = f"took more than {self._deadline:g} seconds to read" if is_slow else "broke the process reading it"
            raise ParseError(f"{subject or function.__name__}: the document {reason}") from error
        if not is_result:
            raise cast(Exception, value)
        return cast(T, value)

    async def __aenter__(self) -> ParserPool:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._kill()

    def _call(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
        try:
            if self._connection is None:
                self._connection = self._start()
            self._connection.send((function, arguments))
            if not self._connection.poll(self._deadline):
                raise TimeoutError
            return cast(tuple[bool, Any], self._connection.recv())
        except BaseException:
            self._kill()
            self._connection = None
            raise

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        connection, child_connection = context.Pipe()
        self._process = context.Process(target=_serve, args=(child_connection, self._deadline), daemon=True)
        main_module = sys.modules["__main__"]
        # Without a main module to import: a user's script without a guard must not run again in the child.
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            self._process.start()
        finally:
            sys.modules["__main__"] = main_module
        child_connection.close()  # so that the death of the child is the end of the stream
        return connection

    def _kill(self) -> None:
        if self._process is not None:
            with suppress(AttributeError):  # it is about to start
                self._process.kill()
                self._process.join()


def _serve(connection: Connection, deadline: float) -> None:
    """Answer calls until the parent closes the connection. A parser needs no secret, no terminal and no Ctrl-C."""
    os.environ.clear()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    has_timer = hasattr(signal, "setitimer")
    with suppress(EOFError, OSError):
        while True:
            function, arguments = connection.recv()
            if has_timer:  # ends this process should the parent be killed meanwhile
                signal.setitimer(signal.ITIMER_REAL, deadline + 5)
            answer = _call_safely(function, arguments)
            if has_timer:
                signal.setitimer(signal.ITIMER_REAL, 0)
            connection.send(answer)


def _call_safely(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except DigestError as error:
        return False, error
    except Exception as error:  # a parser's bug on one document must not end the run
        return False, ParseError(f"the document cannot be read ({type(error).__name__}: {str(error)[:200]})")


def _limit_memory() -> None:
    with suppress(ImportError):  # Windows has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
