"""One connection at work: GET after GET and their answers. h11 knows HTTP/1.1; what comes when is here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import h11

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
