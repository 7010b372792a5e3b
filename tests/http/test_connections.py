"""Connections: kept for the next request to the same place, given up when the other side has spoken, TLS by name."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from digest.errors import FetchError
from digest.http.client import MAX_IDLE_CONNECTIONS, Client
from digest.protocols import Request
from tests.mail.certificates import server_context, trusting

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Lasting:
    """A server whose connections live for many requests: `made` are the connections, `after` follows an answer."""

    port: int = 0
    after: bytes | None = b""  # None: the end
    patience: int = 1_000_000  # questions of one connection that are answered before it ends at the next one
    made: list[asyncio.StreamWriter] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made.append(writer)
        try:
            for _ in range(self.patience):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(OK)
                await writer.drain()
                await asyncio.sleep(0.01)
                if self.after is None:
                    break
                writer.write(self.after)
            else:
                await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def lasting(tls: ssl.SSLContext | None = None) -> AsyncIterator[Lasting]:
    server = Lasting()
    listener = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


async def at_home(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def got(client: Client, url: str) -> bytes:
    return (await client(Request(url, allow_private=True))).body


async def test_requests_in_a_row_to_one_place_share_a_connection() -> None:
    async with lasting() as server, Client() as client:
        for _ in range(3):
            assert await got(client, f"http://127.0.0.1:{server.port}/") == b"ok"
        assert len(server.made) == 1


@pytest.mark.parametrize("after", [None, b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"])
async def test_a_connection_on_which_the_server_spoke_or_hung_up_is_not_used_again(after: bytes | None) -> None:
    async with lasting() as server, Client() as client:
        server.after = after
        for _ in range(3):
            assert await got(client, f"http://127.0.0.1:{server.port}/") == b"ok"
            await asyncio.sleep(0.05)
        assert len(server.made) == 3


async def test_a_connection_that_ends_just_when_it_is_used_again_costs_no_request() -> None:
    async with lasting() as server, Client() as client:
        server.patience = 1
        for _ in range(3):
            assert await got(client, f"http://127.0.0.1:{server.port}/") == b"ok"
        assert len(server.made) == 3


async def test_a_server_that_never_answers_is_dialled_once_more_and_then_is_an_error() -> None:
    async with lasting() as server, Client() as client:
        await got(client, f"http://127.0.0.1:{server.port}/")
        server.patience = 0
        for waiting in server.made:
            waiting.close()
        with pytest.raises(FetchError, match="broke off its response"):
            await got(client, f"http://127.0.0.1:{server.port}/")
        assert len(server.made) == 2


async def test_what_cannot_be_said_in_http_is_an_error_of_that_request() -> None:
    async with lasting() as server, Client(contact="two\nlines") as client:
        with pytest.raises(FetchError, match="not valid HTTP"):
            await got(client, f"http://127.0.0.1:{server.port}/")


async def test_only_a_few_connections_stay_open() -> None:
    async with lasting() as server, Client(resolver=at_home) as client:
        for n in range(MAX_IDLE_CONNECTIONS + 3):
            await got(client, f"http://h{n}.example:{server.port}/")
        await asyncio.sleep(0.05)
        assert sum(not writer.is_closing() for writer in server.made) == MAX_IDLE_CONNECTIONS
        await got(client, f"http://h{MAX_IDLE_CONNECTIONS + 2}.example:{server.port}/")
        assert len(server.made) == MAX_IDLE_CONNECTIONS + 3


async def test_a_connection_that_was_dialled_where_private_addresses_are_allowed_serves_no_other_source() -> None:
    async with lasting() as server, Client() as client:
        await got(client, f"http://127.0.0.1:{server.port}/")
        with pytest.raises(FetchError, match="not a public address"):
            await client(Request(f"http://127.0.0.1:{server.port}/"))


async def test_tls_is_spoken_to_the_checked_address_and_sees_the_name(tmp_path: Path) -> None:
    async with lasting(server_context(tmp_path, "feeds.example")) as server:
        async with Client(resolver=at_home, ssl_context=trusting(tmp_path)) as client:
            assert await got(client, f"https://feeds.example:{server.port}/") == b"ok"
            assert await got(client, f"https://feeds.example:{server.port}/") == b"ok"
            with pytest.raises(FetchError, match=r"cannot be connected to.*certificate"):
                await got(client, f"https://other.example:{server.port}/")
        async with Client(resolver=at_home) as strange:
            with pytest.raises(FetchError, match=r"cannot be connected to.*certificate"):
                await got(strange, f"https://feeds.example:{server.port}/")


async def test_a_port_that_speaks_no_tls_is_a_fetch_error() -> None:
    async with lasting() as server, Client(resolver=at_home) as client:
        with pytest.raises(FetchError, match=r"feeds\.example"):
            await got(client, f"https://feeds.example:{server.port}/")
