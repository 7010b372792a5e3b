"""A loopback server for the recorded sources: an arXiv API, RSS, Atom, JSON Feed, a blog without a feed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from digest.demo.documents import DOCUMENT_FORMS, render_arxiv_response
from digest.demo.records import RECORDED_PUBLISHERS, load_recorded_posts, load_recorded_works


@contextmanager
def serve_recorded_sources() -> Iterator[str]:
    """Serve the recorded sources while the block runs; yields the base URL."""
    with serve_on_loopback(_RecordHandler) as base:
        yield base


@contextmanager
def serve_on_loopback(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free loopback port while the block runs; yields http://127.0.0.1:PORT."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _RecordHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the pipeline reports what it fetched."""

    def do_GET(self) -> None:
        body, kind = _find_document(self.path, f"http://{self.headers['Host']}")
        etag = f'"{sha256(body).hexdigest()[:16]}"'
        if not body:
            self._send(404, b"not recorded\n", "text/plain", "")
        elif self.headers.get("If-None-Match") == etag:
            self._send(304, b"", kind, etag)
        else:
            self._send(200, body, kind, etag)

    def _send(self, status: int, body: bytes, kind: str, etag: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if etag:
            self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)


def _find_document(target: str, base: str) -> tuple[bytes, str]:
    """Find the document at a path and its media type; empty when nothing is recorded there."""
    parts = urlsplit(target)
    if parts.path == "/api/query":
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return render_arxiv_response(load_recorded_works(), query), "application/atom+xml"
    folder, _, name = parts.path.strip("/").partition("/")
    publisher = RECORDED_PUBLISHERS.get(name.removesuffix("/").split(".")[0])
    if publisher is None or publisher.form != folder:
        return b"", "text/plain"
    write, kind = DOCUMENT_FORMS[publisher.form]
    return write(publisher, load_recorded_posts(publisher.slug), base), kind
