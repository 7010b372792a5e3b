"""uvicorn on loopback; limits.

The server behind the desk and `digest subscribers serve`: no client may hold a connection by being slow, nor all of them.

uvicorn bounds the pause between two requests (`timeout_keep_alive`) and nothing else: a client that sends its request
byte by byte, or none at all, or reads no answer, keeps its connection for ever, until the process has no file left.

Runs the desk on a loopback port: the secrets, the application behind its guard, the server.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from typing import Any, ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from digest.context import Context
from digest.errors import ConfigError
from digest.web.editor import create_desk_app
from digest.web.security import AccessGuard, DeskSecrets

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


HOST = "127.0.0.1"  # nobody else on the network sees the desk


@dataclass
class DeskServer:
    """One run of the desk on a bound port; `address` is what a browser is to open."""

    context: Context
    period: str
    port: int = 0
    secrets: DeskSecrets = field(default_factory=DeskSecrets)

    def __post_init__(self) -> None:
        self.socket = _bind_socket(self.port)
        self.port = int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/enter?token={self.secrets.token}&period={self.period}"

    @property
    def app(self) -> ASGIApp:
        return AccessGuard(create_desk_app(self.context, self.secrets, self.port), self.secrets, self.port)

    def make_server(self) -> uvicorn.Server:
        """The server, which says nothing: its log would hold the token."""
        return build_server(self.app, log_config=None, timeout_graceful_shutdown=5)


def serve_desk(desk_server: DeskServer) -> None:
    """Serve until Ctrl-C."""
    desk_server.make_server().run(sockets=[desk_server.socket])


def _bind_socket(port: int) -> socket.socket:
    # asyncio sends at once (TCP_NODELAY) only where the protocol is named; else each answer waits 40 ms
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        bound.listen()  # a browser that is quicker than the server waits instead of failing
    except OSError as error:
        bound.close()
        raise ConfigError(f"port {port} cannot be used: {error.strerror}", "another desk? try --port 0") from error
    return bound
