"""Serve the desk, and the sign-up pages, with uvicorn."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from digest.context import Context
from digest.errors import ConfigError
from digest.web.editor import create_desk_app
from digest.web.security import AccessGuard, DeskSecrets

HOST = "127.0.0.1"  # no other machine reaches the desk
_MAX_CONNECTIONS = 200  # a process may open 1,024 files by default


@dataclass
class DeskServer:
    """One run of the desk on a bound port; `url` is what a browser is to open."""

    context: Context
    period: str
    port: int = 0
    secrets: DeskSecrets = field(default_factory=DeskSecrets)

    def __post_init__(self) -> None:
        self.socket = _bind_socket(self.port)
        self.port = int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The address that exchanges the token for a cookie."""
        return f"http://{HOST}:{self.port}/enter?token={self.secrets.token}&period={self.period}"

    @property
    def app(self) -> ASGIApp:
        """The desk behind its guard."""
        return AccessGuard(create_desk_app(self.context, self.secrets, self.port), self.secrets, self.port)

    def make_server(self) -> uvicorn.Server:
        """Build a server without a log, which would hold the token."""
        return build_server(self.app, log_config=None, timeout_graceful_shutdown=5)


def serve_desk(desk_server: DeskServer) -> None:
    """Serve until Ctrl-C."""
    desk_server.make_server().run(sockets=[desk_server.socket])


def build_server(app: ASGIApp, **options: Any) -> uvicorn.Server:
    """Build a server that logs no requests, whose addresses hold tokens. `options` are uvicorn's."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        access_log=False,
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        **options,
    )
    return uvicorn.Server(config)


def _bind_socket(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY; without it each answer waits 40 ms.
    bound_socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound_socket.bind((HOST, port))
        bound_socket.listen()  # lets a browser that is faster than the server wait instead of failing
    except OSError as error:
        bound_socket.close()
        raise ConfigError(f"port {port} cannot be used: {error.strerror}", "try --port 0") from error
    return bound_socket
