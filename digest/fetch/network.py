"""Dialling: a name is resolved, each address checked, and exactly a checked address connected to.

A second lookup between check and connection is what DNS rebinding lives on; there is none here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore
import httpx

from digest.errors import FetchError
from digest.fetch.addresses import permitted

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
CONNECTIONS = 20  # more makes httpcore's pool slow: its bookkeeping grows with every open connection
KEPT = 2  # idle ones are polled at every request, and only arXiv is asked twice in a row
DIAL_SECONDS = 15.0


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the system's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedDial(httpcore.AsyncNetworkBackend):
    """A network backend that connects only to permitted addresses. TLS still sees the name."""

    def __init__(
        self, resolver: Resolver, *, private: bool, backend: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._resolver = resolver
        self._private = private
        self._backend = backend or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._addresses(host, port):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            raise FetchError(f"the host {host} cannot be found", "check the address and the network") from error
        allowed = [address for address in addresses if permitted(address, private=self._private)]
        if addresses and not allowed:
            raise FetchError(
                f"{host} is at {addresses[0]}, which is not a public address",
                "if it is meant, set 'allow_private: true' on that source",
            )
        return allowed


class CheckedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over `CheckedDial`: no proxy, no environment, no cookies, no redirects."""

    def __init__(self, dial: CheckedDial, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        # httpx has no argument for a network backend, so its (not yet used) pool is replaced by one that has.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=CONNECTIONS,
            max_keepalive_connections=KEPT,
            keepalive_expiry=15.0,
            network_backend=dial,
        )
