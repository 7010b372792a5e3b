"""Runs the desk on a loopback port: the secrets, the application behind its guard, the server."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp

from digest.desk.deadlines import build_server
from digest.desk.guard import AccessGuard, DeskSecrets
from digest.desk.pages import create_desk_app
from digest.errors import ConfigError
from digest.pipeline.context import Context

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
