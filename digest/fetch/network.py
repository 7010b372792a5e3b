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
from typing import Any

import httpcore

from digest.errors import FetchError
from digest.fetch.addresses import permitted

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
Connect = Callable[..., Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]  # as asyncio.open_connection
KEPT = 2  # connections that stay open for a while: hardly a site is asked twice in a row
KEPT_SECONDS = 15.0
DIAL_SECONDS = 15.0


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the system's resolver, which is not asked for what is one. Raises OSError."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Transport:
    """One request at a time over a connection to a checked address: no proxy, no environment, no cookies, no redirects.

    httpcore speaks HTTP; its pool is left out, whose bookkeeping at every request costs more than the request itself.
    """

    def __init__(
        self, secured: Callable[[], ssl.SSLContext], resolver: Resolver, connect: Connect, *, private: bool
    ) -> None:
        self._secured = secured  # called when first needed: reading the world's certificates takes a tenth of a second
        self._resolver = resolver
        self._connect = connect
        self._private = private
        self._kept: list[_Connection] = []

    @asynccontextmanager
    async def answer(self, request: httpcore.Request) -> AsyncIterator[httpcore.Response]:
        """Send the request; the answer's body can be read while the block runs. Raises FetchError, httpcore's own."""
        origin = request.url.origin
        connection = await self._idle(origin) or await self._dial(origin)
        try:
            answer = await connection.handle_async_request(request)
            try:
                yield answer
            finally:
                await answer.aclose()
        finally:
            await self._keep(connection)

    async def aclose(self) -> None:
        """Close the connections that were kept."""
        while self._kept:
            await self._kept.pop().aclose()

    async def _idle(self, origin: httpcore.Origin) -> _Connection | None:
        """A kept connection to the same place at which the other side has said nothing meanwhile."""
        for connection in [kept for kept in self._kept if kept.can_handle_request(origin)]:
            self._kept.remove(connection)
            if not connection.has_expired() and await connection.wire.is_quiet():
                return connection
            await connection.aclose()
        return None

    async def _keep(self, connection: _Connection) -> None:
        """Keep a connection that can be used again, in the place of the oldest one."""
        if connection.is_idle():
            self._kept.append(connection)
        else:
            await connection.aclose()
        while len(self._kept) > KEPT:
            await self._kept.pop(0).aclose()

    async def _dial(self, origin: httpcore.Origin) -> _Connection:
        """A new connection to the first permitted address that accepts one. TLS still sees the name."""
        host = origin.host.decode("ascii")
        secure = {"ssl": self._secured(), "server_hostname": host} if origin.scheme == b"https" else {}
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in await self._addresses(host, origin.port):
            try:
                async with asyncio.timeout(DIAL_SECONDS):
                    reader, writer = await self._connect(address, origin.port, **secure)
                return _Connection(origin, _Stream(reader, writer))
            except TimeoutError:
                failure = httpcore.ConnectTimeout(f"{address} took longer than {DIAL_SECONDS:g} seconds")
            except OSError as error:  # also what TLS does not like, a certificate for instance
                failure = httpcore.ConnectError(str(error))
        raise failure

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


class _Stream(httpcore.AsyncNetworkStream):
    """asyncio's streams as httpcore wants them. The deadline of a request is kept outside: `timeout` is never given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._reader.read(max_bytes)
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        try:
            self._writer.write(buffer)
            await self._writer.drain()
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._writer.close()

    async def is_quiet(self) -> bool:
        """Whether nothing has come, not even the end. What had come is gone then: the connection is of no more use."""
        try:
            async with asyncio.timeout(0):
                await self._reader.read(1)
        except TimeoutError:
            return True
        except OSError:
            pass
        return False

    def get_extra_info(self, info: str) -> Any:
        return self._writer.get_extra_info(info)


class _Connection(httpcore.AsyncHTTP11Connection):
    """httpcore's connection, with its stream at hand."""

    def __init__(self, origin: httpcore.Origin, wire: _Stream) -> None:
        super().__init__(origin, wire, keepalive_expiry=KEPT_SECONDS)
        self.wire = wire
