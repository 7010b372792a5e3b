"""A loopback HTTP server whose paths misbehave on demand: each path is a function from a request to raw bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Asked:
    """One request as the server saw it; header names are lower-case."""

    path: str
    headers: dict[str, str]


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, headers: Iterable[tuple[str, str]] = (), body: bytes = b"", length: int = -1) -> Answer:
    """A plain answer; `length` overrides the Content-Length, to lie."""

    async def write(asked: Asked, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length < 0 else length}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        await writer.drain()

    return write


def redirect(status: int, location: str) -> Answer:
    return answer(status, [("Location", location)])


@dataclass
class Server:
    """What was asked, how many at once, and how to answer; `paths` may change while it runs."""

    port: int = 0
    paths: dict[str, Answer] = field(default_factory=dict)
    otherwise: Answer = field(default_factory=lambda: answer(404))
    asked: list[Asked] = field(default_factory=list)
    delay: float = 0.0
    busy: int = 0
    most: int = 0

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
            asked = Asked(path, headers)
            self.asked.append(asked)
            await asyncio.sleep(self.delay)
            await self.paths.get(path, self.otherwise)(asked, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, which is what some tests want
        finally:
            self.busy -= 1
            writer.close()


@asynccontextmanager
async def serving(paths: dict[str, Answer] | None = None) -> AsyncIterator[Server]:
    """A running server on a free loopback port."""
    server = Server(paths=paths if paths is not None else {})
    listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
