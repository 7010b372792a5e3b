"""Dialling: a name is resolved, each address checked, and exactly a checked address connected to.

A second lookup between check and connection is what DNS rebinding lives on; there is none here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address

from digest.errors import FetchError
from digest.fetch.addresses import is_ip_allowed
from digest.fetch.talk import Connection, ConnectionStream, Origin, RawHeaders, StreamedResponse, TransportError

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
OpenConnection = Callable[..., Awaitable[tuple[ConnectionStream, asyncio.StreamWriter]]]
MAX_IDLE_CONNECTIONS = 100  # connections that stay open for a while: a site with several sources is greeted once
CONNECT_TIMEOUT_SECONDS = 15.0


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the system's resolver, which is not asked for what is one. Raises OSError."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class ConnectionPool:
    """One request at a time over a connection to a checked address: no proxy, no environment, no cookies, no redirects.

    A library's pool keeps books at every request, which costs more than the request itself.
    """

    def __init__(
        self,
        create_ssl_context: Callable[[], ssl.SSLContext],
        resolver: Resolver,
        open_connection: OpenConnection,
        *,
        allow_private: bool,
    ) -> None:
        self._create_ssl_context = (
            create_ssl_context  # called when first needed: reading the world's certificates takes a tenth of a second
        )
        self._resolver = resolver
        self._connect = open_connection
        self._allow_private = allow_private
        self._idle_connections: list[Connection] = []

    @asynccontextmanager
    async def open_response(
        self, origin: Origin, target: bytes, headers: RawHeaders
    ) -> AsyncIterator[StreamedResponse]:
        """GET a target; the answer's body can be read while the block runs. Raises FetchError, WireError."""
        talk, answer = await self._send_request(origin, target, headers)
        try:
            yield answer
        finally:
            self._release_connection(talk)

    async def aclose(self) -> None:
        """Close the connections that were kept."""
        while self._idle_connections:
            self._idle_connections.pop().close()

    async def _send_request(
        self, origin: Origin, target: bytes, headers: RawHeaders
    ) -> tuple[Connection, StreamedResponse]:
        """Ask over a kept connection, or a new one; one that ends just then has not heard us (RFC 9112, 9.3.1)."""
        if talk := self._take_idle_connection(origin):
            try:
                return talk, await talk.send_get(target, headers)
            except TransportError:
                if talk.has_response_data:
                    raise
        talk = await self._open_connection(origin)
        return talk, await talk.send_get(target, headers)

    def _take_idle_connection(self, origin: Origin) -> Connection | None:
        """A kept connection to the same place at which the other side has said nothing meanwhile."""
        for talk in [kept for kept in self._idle_connections if kept.origin == origin]:
            self._idle_connections.remove(talk)
            if not talk.is_expired() and talk.is_idle():
                return talk
            talk.close()
        return None

    def _release_connection(self, talk: Connection) -> None:
        """Keep a connection that can be used again, in the place of the oldest one."""
        if talk.reset_for_reuse():
            self._idle_connections.append(talk)
        else:
            talk.close()
        while len(self._idle_connections) > MAX_IDLE_CONNECTIONS:
            self._idle_connections.pop(0).close()

    async def _open_connection(self, origin: Origin) -> Connection:
        """A new connection to the first permitted address that accepts one. TLS still sees the name."""
        secure = {"ssl": self._create_ssl_context(), "server_hostname": origin.host} if origin.is_secure else {}
        failure = TransportError(f"cannot be connected to: {origin.host} has no address")
        for address in await self._resolve_allowed_addresses(origin):
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                    return Connection(origin, *await self._connect(address, origin.port, **secure))
            except TimeoutError:
                failure = TransportError(
                    f"does not accept connections: {address} took longer than {CONNECT_TIMEOUT_SECONDS:g} seconds"
                )
            except OSError as error:  # also what TLS does not like, a certificate for instance
                failure = TransportError(f"cannot be connected to: {error}")
        raise failure

    async def _resolve_allowed_addresses(self, origin: Origin) -> list[str]:
        try:
            addresses = await self._resolver(origin.host, origin.port)
        except (OSError, UnicodeError) as error:
            raise FetchError(f"the host {origin.host} cannot be found", "check the address and the network") from error
        allowed = [address for address in addresses if is_ip_allowed(address, allow_private=self._allow_private)]
        if addresses and not allowed:
            raise FetchError(
                f"{origin.host} is at {addresses[0]}, which is not a public address",
                "if it is meant, set 'allow_private: true' on that source",
            )
        return allowed
