"""The server behind the desk and `digest listen`: no client may hold a connection by being slow, nor all of them.

uvicorn bounds the pause between two requests (`timeout_keep_alive`) and nothing else: a client that sends its request
byte by byte, or none at all, or reads no answer, keeps its connection for ever, until the process has no file left.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 10.0  # for a whole request, from the connection or its first byte; and again to take in the answer
MAX_CONNECTIONS = 200  # connections at a time; a process has 1,024 files by default


class DeadlineProtocol(H11Protocol):
    """Breaks a connection off whose request, or whose reading of the answer, takes too long.

    With more than `most` connections, the one that has been at its request longest makes room for the newest.
    """

    request_seconds: ClassVar[float] = REQUEST_SECONDS
    max_connections: ClassVar[int] = MAX_CONNECTIONS
    _timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self._drop_slowest()
        self._start_timeout()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_request_incomplete():
            self._start_timeout()
        else:
            self._cancel_timeout()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_timeout()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._is_request_incomplete():
            self._cancel_timeout()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():  # it waits for a client that may never read
            self._start_timeout()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection at once: an answer that nobody has taken in by now would keep it open."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timeout()
        super().connection_lost(exc)

    def _is_request_incomplete(self) -> bool:
        """Whether the client is to send something before it can be answered."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def _start_timeout(self) -> None:
        if self._timeout is None:
            self._timeout = self.loop.call_later(self.request_seconds, self.transport.abort)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def _drop_slowest(self) -> None:
        slow = [
            other for other in self.connections if isinstance(other, DeadlineProtocol) and other._timeout is not None
        ]
        if slow:
            min(slow, key=lambda other: other._timeout.when() if other._timeout else 0.0).transport.abort()


def build_server(app: ASGIApp, **options: Any) -> uvicorn.Server:
    """A server with deadlines, which keeps no log of requests: their addresses hold tokens. `options` are uvicorn's."""
    config = uvicorn.Config(
        app,
        http=DeadlineProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        loop="asyncio",
        **options,
    )
    return uvicorn.Server(config)
