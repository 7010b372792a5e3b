"""Network backend: resolve once, check, dial that address (SSRF).

Dialling: a name is resolved, each address checked, and exactly a checked address connected to.

A second lookup between check and connection is what DNS rebinding lives on; there is none here.

One connection at work: GET after GET and their answers. h11 knows HTTP/1.1; what comes when is here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NamedTuple

import h11

from digest.errors import FetchError
from digest.http.ip_policy import is_ip_allowed

_CHUNK_BYTES = 65_536  # bytes taken from the wire at once
_MAX_HEAD_BYTES = 100_000  # bytes; some sites send a policy of tens of thousands
_KEEP_ALIVE_SECONDS = 15.0  # what a connection that waits is good for: many servers hang up soon after

RawHeaders = list[tuple[bytes, bytes]]


class TransportError(Exception):
    """What went wrong on the wire, in words that go on after the address."""


class Origin(NamedTuple):
    """Where requests go that may share a connection."""

    is_secure: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class StreamedResponse:
    """Status and headers, their names in lower case; the body comes as it is read, compressed if it was sent so."""

    status: int
    headers: RawHeaders
    body: AsyncIterator[bytes]


class ConnectionStream(asyncio.StreamReader):
    """A stream that says how many bytes have come and wait to be read."""

    unread_bytes = 0

    def feed_data(self, data: Any) -> None:
        self.unread_bytes += len(data)
        super().feed_data(data)

    async def read(self, n: int = -1) -> bytes:
        data = await super().read(n)
        self.unread_bytes -= len(data)
        return data


async def open_connection(address: str, port: int, **secure: Any) -> tuple[ConnectionStream, asyncio.StreamWriter]:
    """As asyncio.open_connection, but for its reader. Raises OSError."""
    loop = asyncio.get_running_loop()
    wire = ConnectionStream(limit=_CHUNK_BYTES, loop=loop)
    protocol = asyncio.StreamReaderProtocol(wire, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, address, port, **secure)
    return wire, asyncio.StreamWriter(transport, protocol, wire, loop)


class Connection:
    """The talk over one connection. It is closed when a GET fails, or is stopped on its way."""

    def __init__(self, origin: Origin, stream: ConnectionStream, writer: asyncio.StreamWriter) -> None:
        self.origin = origin
        self.has_response_data = False  # whether anything has come back since the last question
        self._stream = stream
        self._writer = writer
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        self._idle_since = 0.0

    async def send_get(self, target: bytes, headers: RawHeaders) -> StreamedResponse:
        """Ask, and read the answer's head. Raises WireError."""
        self.has_response_data = False
        try:
            self._writer.write(self._encode_request(target, headers))
            with suppress(OSError):  # who hangs up early may have answered before
                await self._writer.drain()
            while not isinstance(head := await self._read_event(), h11.Response):
                pass  # 100 or 103: the answer is still to come
        except BaseException:
            self.close()
            raise
        return StreamedResponse(head.status_code, list(head.headers), self._iterate_body())

    def reset_for_reuse(self) -> bool:
        """Whether the answer was read to its end and another question may follow; from then on it grows old."""
        if not self._h11.our_state is self._h11.their_state is h11.DONE or self._h11.trailing_data[0]:
            return False
        self._h11.start_next_cycle()
        self._idle_since = time.monotonic()
        return True

    def is_expired(self) -> bool:
        return time.monotonic() > self._idle_since + _KEEP_ALIVE_SECONDS

    def is_idle(self) -> bool:
        """Whether nothing has come that was not read, not even the end."""
        return not (self._stream.unread_bytes or self._stream.at_eof() or self._stream.exception())

    def close(self) -> None:
        self._writer.close()

    def _encode_request(self, target: bytes, headers: RawHeaders) -> bytes:
        try:
            question = self._h11.send(h11.Request(method="GET", target=target, headers=headers)) or b""
        except h11.LocalProtocolError as error:
            raise TransportError(f"cannot be asked in HTTP: {error}") from error
        return question + (self._h11.send(h11.EndOfMessage()) or b"")

    async def _iterate_body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._read_event(), h11.Data):
            yield event.data

    async def _read_event(self) -> Any:
        """h11's next event. Raises WireError."""
        try:
            while (event := self._h11.next_event()) is h11.NEED_DATA:
                self._h11.receive_data(await self._read_chunk())
        except h11.RemoteProtocolError as error:
            raise TransportError(f"broke off its answer, or does not speak HTTP: {error}") from error
        return event

    async def _read_chunk(self) -> bytes:
        try:
            piece = await self._stream.read(_CHUNK_BYTES)
        except OSError as error:
            raise TransportError(f"broke the connection: {error or type(error).__name__}") from error
        if not (piece or self.has_response_data):
            raise TransportError("broke off its answer, or does not speak HTTP: it hung up without a word")
        self.has_response_data = True
        return piece


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
