"""HTTP/2 is spoken where a server offers it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

from digest.http.client import Client
from digest.protocols import Request, Response
from tests.mail.certificates import server_context, trusting


async def serve_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection with its own :authority and path."""
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65_536):
        for event in connection.receive_data(data):
            if isinstance(event, RequestReceived):
                headers = {str(name): str(value) for name, value in event.headers or []}
                body = f"{headers[':authority'].partition(':')[0]}{headers[':path']}".encode()
                connection.send_headers(event.stream_id, [(":status", "200"), ("etag", '"v1"')])
                connection.send_data(event.stream_id, body, end_stream=True)
        writer.write(connection.data_to_send())
    writer.close()


async def resolve(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"]


async def test_requests_to_a_server_of_http2_share_one_connection(tmp_path: Path) -> None:
    connections: list[asyncio.StreamWriter] = []

    async def count_and_serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await serve_http2(reader, writer)

    tls = server_context(tmp_path, "feeds.example")
    tls.set_alpn_protocols(["h2", "http/1.1"])
    listener = await asyncio.start_server(count_and_serve, "127.0.0.1", 0, ssl=tls)
    port = listener.sockets[0].getsockname()[1]
    try:
        async with Client(resolver=resolve, ssl_context=trusting(tmp_path)) as client:
            urls = [f"https://feeds.example:{port}/{n}" for n in range(4)]
            responses: list[Response] = await asyncio.gather(
                *(client(Request(url, allow_private=True)) for url in urls)
            )
        assert [response.body for response in responses] == [f"feeds.example/{n}".encode() for n in range(4)]
        assert responses[0].headers["etag"] == '"v1"'
        assert len(connections) == 1
    finally:
        listener.close()
