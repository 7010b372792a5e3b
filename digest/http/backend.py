"""Network backend of httpcore2: resolve a host once, check every address, connect only to one that passed.

A second lookup between check and connection is what DNS rebinding needs; there is none here. httpcore2's own backend
costs more than twice the time (AnyIO's stream wrapper), hence the stream on a bare asyncio transport.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import httpcore2

from digest.errors import FetchError
from digest.http.ip_policy import is_ip_allowed

CONNECT_TIMEOUT_SECONDS = 15.0
_NEXT_ADDRESS_SECONDS = 0.25  # RFC 8305, 5: until the next address is tried beside the one that does not answer
_MAX_UNREAD_BYTES = 262_144

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class Stream(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """A TCP or TLS connection. The client's deadline covers reading and writing, so timeouts are ignored here."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._unread = bytearray()
        self._has_ended = False
        self._error: Exception | None = None
        self._readable, self._writable = asyncio.Event(), asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) > _MAX_UNREAD_BYTES:
            self._transport.pause_reading()
        self._readable.set()

    def eof_received(self) -> None:
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended, self._error = True, self._error or exc
        self._readable.set()
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while not (self._unread or self._has_ended):
            self._readable.clear()
            await self._readable.wait()
        if not self._unread and self._error:
            raise httpcore2.ReadError(str(self._error) or type(self._error).__name__) from self._error
        data = bytes(self._unread[:max_bytes])
        del self._unread[:max_bytes]
        if len(self._unread) <= _MAX_UNREAD_BYTES:
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._has_ended:
            raise httpcore2.WriteError("the server closed the connection")
        self._transport.write(buffer)
        await self._writable.wait()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        try:
            self._transport = await asyncio.get_running_loop().start_tls(
                self._transport, self, ssl_context, server_hostname=server_hostname
            )
        except OSError as error:  # also what TLS does not accept, a certificate for instance
            raise httpcore2.ConnectError(str(error)) from error
        return self

    async def aclose(self) -> None:
        self._transport.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # on an idle connection: the server has spoken, or closed it
            return bool(self._unread) or self._has_ended
        return self._transport.get_extra_info(info)


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """List the addresses of a host by the system's resolver; an IP address is its own. Raises OSError."""
    with suppress(ValueError):
        return [str(ip_address(host))]
    results = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in results))


async def open_stream(address: str, port: int) -> Stream:
    """Connect to an IP address. Raises OSError."""
    _, stream = await asyncio.get_running_loop().create_connection(Stream, address, port)
    return stream


OpenStream = Callable[[str, int], Awaitable[Stream]]


async def resolve_allowed(host: str, port: int, resolver: Resolver, *, allow_private: bool) -> list[str]:
    """List the addresses of a host that may be dialled. Raises FetchError when it has only others, or none."""
    try:
        addresses = await resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"the host {host} cannot be found", "check the address and the network") from error
    allowed = [address for address in addresses if is_ip_allowed(address, allow_private=allow_private)]
    if not allowed:
        raise FetchError(
            f"{host} is at {addresses[0]}, which is not a public address" if addresses else f"{host} has no address",
            "set 'allow_private: true' on that source if the address is meant",
        )
    return allowed


class Backend(httpcore2.AsyncNetworkBackend):
    """Dial hosts at allowed addresses only; `allow_private=None` dials any address, for a configured proxy."""

    def __init__(self, resolver: Resolver, open_stream: OpenStream, *, allow_private: bool | None) -> None:
        self._resolver = resolver
        self._open_stream = open_stream
        self._allow_private = allow_private

    async def connect_tcp(self, host: str, port: int, *unused: Any, **options: Any) -> Stream:
        if self._allow_private is None:
            addresses = list(await self._resolver(host, port))
        else:
            addresses = await resolve_allowed(host, port, self._resolver, allow_private=self._allow_private)
        return await self._open_first(addresses, port)

    async def _open_first(self, addresses: list[str], port: int) -> Stream:
        """Race the addresses, each started when the one before has failed or not answered in time (RFC 8305)."""
        attempts: set[asyncio.Task[Stream]] = set()
        failure = ""
        try:
            while addresses or attempts:
                if addresses:
                    attempts.add(asyncio.create_task(self._open(addresses.pop(0), port)))
                delay = _NEXT_ADDRESS_SECONDS if addresses else None
                done, attempts = await asyncio.wait(attempts, timeout=delay, return_when=asyncio.FIRST_COMPLETED)
                streams = [task.result() for task in done if not task.exception()]
                for stream in streams[1:]:
                    await stream.aclose()
                if streams:
                    return streams[0]
                failure = next((str(task.exception()) for task in done), failure)
        finally:
            for task in attempts:
                task.cancel()
        raise httpcore2.ConnectError(failure)

    async def _open(self, address: str, port: int) -> Stream:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
                return await self._open_stream(address, port)
        except TimeoutError as error:
            raise OSError(f"{address} took longer than {CONNECT_TIMEOUT_SECONDS:g} seconds") from error
