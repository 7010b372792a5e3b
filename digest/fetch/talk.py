"""One connection at work: GET after GET and their answers. h11 knows HTTP/1.1; what comes when is here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import h11

_PIECE = 65_536  # bytes taken from the wire at once
_LONGEST_HEAD = 100_000  # bytes; some sites send a policy of tens of thousands
_QUIET_SECONDS = 15.0  # what a connection that waits is good for: many servers hang up soon after

Headers = list[tuple[bytes, bytes]]


class WireError(Exception):
    """What went wrong on the wire, in words that go on after the address."""


class Origin(NamedTuple):
    """Where requests go that may share a connection."""

    secure: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and headers, their names in lower case; the body comes as it is read, compressed if it was sent so."""

    status: int
    headers: Headers
    body: AsyncIterator[bytes]


class Wire(asyncio.StreamReader):
    """A stream that says how many bytes have come and wait to be read."""

    waiting = 0

    def feed_data(self, data: Any) -> None:
        self.waiting += len(data)
        super().feed_data(data)

    async def read(self, n: int = -1) -> bytes:
        data = await super().read(n)
        self.waiting -= len(data)
        return data


async def connect(address: str, port: int, **secure: Any) -> tuple[Wire, asyncio.StreamWriter]:
    """As asyncio.open_connection, but for its reader. Raises OSError."""
    loop = asyncio.get_running_loop()
    wire = Wire(limit=_PIECE, loop=loop)
    protocol = asyncio.StreamReaderProtocol(wire, loop=loop)
    transport, _ = await loop.create_connection(lambda: protocol, address, port, **secure)
    return wire, asyncio.StreamWriter(transport, protocol, wire, loop)


class Talk:
    """The talk over one connection. It is closed when a GET fails, or is stopped on its way."""

    def __init__(self, origin: Origin, wire: Wire, writer: asyncio.StreamWriter) -> None:
        self.origin = origin
        self.answered = False  # whether anything has come back since the last question
        self._wire = wire
        self._writer = writer
        self._talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._quiet_since = 0.0

    async def get(self, target: bytes, headers: Headers) -> Answer:
        """Ask, and read the answer's head. Raises WireError."""
        self.answered = False
        try:
            self._writer.write(self._question(target, headers))
            with suppress(OSError):  # who hangs up early may have answered before
                await self._writer.drain()
            while not isinstance(head := await self._event(), h11.Response):
                pass  # 100 or 103: the answer is still to come
        except BaseException:
            self.close()
            raise
        return Answer(head.status_code, list(head.headers), self._body())

    def is_over(self) -> bool:
        """Whether the answer was read to its end and another question may follow; from then on it grows old."""
        if not self._talk.our_state is self._talk.their_state is h11.DONE or self._talk.trailing_data[0]:
            return False
        self._talk.start_next_cycle()
        self._quiet_since = time.monotonic()
        return True

    def is_old(self) -> bool:
        return time.monotonic() > self._quiet_since + _QUIET_SECONDS

    def is_quiet(self) -> bool:
        """Whether nothing has come that was not read, not even the end."""
        return not (self._wire.waiting or self._wire.at_eof() or self._wire.exception())

    def close(self) -> None:
        self._writer.close()

    def _question(self, target: bytes, headers: Headers) -> bytes:
        try:
            question = self._talk.send(h11.Request(method="GET", target=target, headers=headers)) or b""
        except h11.LocalProtocolError as error:
            raise WireError(f"cannot be asked in HTTP: {error}") from error
        return question + (self._talk.send(h11.EndOfMessage()) or b"")

    async def _body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._event(), h11.Data):
            yield event.data

    async def _event(self) -> Any:
        """h11's next event. Raises WireError."""
        try:
            while (event := self._talk.next_event()) is h11.NEED_DATA:
                self._talk.receive_data(await self._piece())
        except h11.RemoteProtocolError as error:
            raise WireError(f"broke off its answer, or does not speak HTTP: {error}") from error
        return event

    async def _piece(self) -> bytes:
        try:
            piece = await self._wire.read(_PIECE)
        except OSError as error:
            raise WireError(f"broke the connection: {error or type(error).__name__}") from error
        if not (piece or self.answered):
            raise WireError("broke off its answer, or does not speak HTTP: it hung up without a word")
        self.answered = True
        return piece
