"""A client that is slow on purpose loses its connection, and cannot keep others from being answered."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from digest.web.server import DeadlineProtocol, DeskServer, build_server

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 30_000_000  # more than the two ends of a loopback connection hold


async def _answer(scope: object, receive: object, send: object) -> None:
    request = Request(scope, receive)  # type: ignore[arg-type]
    body = await request.body()
    text = "x" * LARGE if request.url.path == "/large" else f"{len(body)} bytes"
    await PlainTextResponse(text)(scope, receive, send)  # type: ignore[arg-type]


@contextmanager
def answering() -> Iterator[int]:
    """A server on a free port, ended in order."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        running = build_server(_answer, log_config=None, timeout_graceful_shutdown=1)
        thread = threading.Thread(target=running.run, args=([bound],))
        thread.start()
        try:
            yield int(bound.getsockname()[1])
        finally:
            running.should_exit = True
            thread.join(20)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(DeadlineProtocol, "request_seconds", 0.5)
    monkeypatch.setattr(DeadlineProtocol, "max_connections", 20)
    with answering() as number:
        yield number


def connected(port: int, first: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(first)
    return client


def read(client: socket.socket) -> bytes:
    """All that comes until the server ends the connection; a connection it broke off ends too."""
    with client, client.makefile("rb") as lines:
        try:
            return lines.read()
        except ConnectionResetError:
            return b""


SLOW = {
    "that sends nothing": b"",
    "in the middle of its head": b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "in the middle of its body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n",
    "in the middle of a chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n",
}


@pytest.mark.parametrize("first", SLOW.values(), ids=SLOW)
def test_a_client_that_trickles_is_broken_off_whatever_it_sends_meanwhile(port: int, first: bytes) -> None:
    client = connected(port, first)
    client.settimeout(0.05)
    for _ in range(200):
        try:
            client.sendall(b"a" if first else b"")
            if client.recv(10) == b"":
                break
        except TimeoutError:
            continue
        except OSError:  # reset, or a broken pipe
            break
    else:
        pytest.fail("ten seconds, and the connection stands")
    client.close()


def test_the_second_request_of_a_connection_has_a_deadline_too(port: int) -> None:
    client = connected(port, HEAD)
    with client.makefile("rb") as lines:
        assert lines.readline().startswith(b"HTTP/1.1 200")
    client.sendall(b"GET /again HTTP/1.1\r\nX-Slow:")
    assert b"HTTP/1.1" not in read(client)


def test_a_client_that_does_not_read_the_answer_is_broken_off(port: int) -> None:
    client = connected(port, HEAD.replace(b"/ ", b"/large ", 1))
    sleep(1.5)
    assert len(read(client)) < LARGE


def test_a_whole_request_is_answered_and_its_connection_serves_again(port: int) -> None:
    client = connected(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
    sleep(0.2)
    client.sendall(b"llo")
    with client.makefile("rb") as lines:
        while lines.readline() not in (b"\r\n", b""):
            continue
        assert lines.read(7) == b"5 bytes"
    sleep(0.7)  # longer than the deadline: between two requests there is none
    client.sendall(HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert read(client).endswith(b"0 bytes")


def test_with_all_places_taken_by_slow_clients_an_honest_one_is_answered(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeadlineProtocol, "request_seconds", 60.0)
    slow = [connected(port, b"GET / HTTP/1.1\r\nX-Slow:") for _ in range(50)]
    for _ in range(3):
        assert read(connected(port, HEAD.replace(b"1.1", b"1.0", 1))).endswith(b"0 bytes")
    assert read(slow[0]) == b""  # the first had to make room
    for client in slow:
        client.close()


def test_the_desk_and_the_endpoint_of_the_program_are_served_with_deadlines(root: Path, desk: DeskServer) -> None:
    assert desk.make_server().config.http is DeadlineProtocol
    sources = root / "sources.yaml"
    text = sources.read_text(encoding="utf-8").replace("\nmail:\n", "\nmail:\n  unsubscribe_url: https://mail.test\n")
    sources.write_text(text, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "digest", "-w", str(root), "listen", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        assert re.match(rf"listen: http://127.0.0.1:{port}", process.stdout.readline())
        begun = monotonic()
        while True:
            try:
                client = connected(port)
                break
            except ConnectionRefusedError:
                assert monotonic() - begun < 60
                sleep(0.1)
        client.settimeout(60)
        assert read(client) == b""  # it sent nothing
    finally:
        process.terminate()
        process.communicate(timeout=60)
