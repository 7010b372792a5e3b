"""The other side of `worker`, inside the process that reads foreign documents. Few imports: it starts for every run."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from contextlib import suppress
from typing import Any

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
