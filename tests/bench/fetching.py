"""Fetching feeds from loopback hosts with 50 ms latency, five feeds a host, by us and by `reader` with 20 workers.

The hosts are loopback addresses (127.0.x.y, Linux). Each contender runs in a process of its own, on a database made
beforehand. Works in several feeds are stored once by us, apart by reader.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path

from tests.bench.probe import Watch, timed, told

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "feeds"
LATENCY = 0.05
A_HOST = 5
HERE = (sys.executable, "-m", "tests.bench.fetching")


def main(contender: str, count: int) -> None:
    """Fetch so many feeds into an empty store, then ask for them again, when nothing is new."""
    lines = (DATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    names = [row["file"] for row in map(json.loads, lines) if row.get("fp_entries")]
    with tempfile.TemporaryDirectory() as folder, _serving(DATA) as (port, server):
        hosts = max(1, count // A_HOST)
        urls = [f"http://127.0.{n % hosts}.1:{port}/{n}/{name}" for n, name in enumerate(islice(cycle(names), count))]
        subprocess.run([*HERE, "made", folder], check=True)  # not here: the migrations' library would stay in memory
        {"digest": _digest, "reader": _reader}[contender](Path(folder), urls, Watch(but=server))


def _digest(folder: Path, urls: list[str], watch: Watch) -> None:
    from digest.config.schema import Source
    from digest.ingest.fetch import fetch_sources
    from tests.workbench import Clock, context, counts

    sources = [Source(id=f"f{n}", kind="feed", url=url, allow_private=True) for n, url in enumerate(urls)]
    work, runs = context(folder, sources, Clock(datetime.now(UTC))), []
    cold = timed(lambda: runs.append(asyncio.run(fetch_sources(work)).run_id))
    lost = sum(count.found == 0 for count in counts(work, runs[0]).values())
    told("fetch", cold, watch, wrong=f"{lost} feeds gave no item" if lost else "")
    told("fetch, nothing new", timed(lambda: asyncio.run(fetch_sources(work, force=True))), watch)


def _reader(folder: Path, urls: list[str], watch: Watch) -> None:
    from reader import make_reader

    reader = make_reader(str(folder / "reader.db"))
    for url in urls:
        reader.add_feed(url)
    told("fetch", timed(lambda: reader.update_feeds(scheduled=False, workers=20)), watch)
    told("fetch, nothing new", timed(lambda: reader.update_feeds(scheduled=False, workers=20)), watch)


def _made(folder: Path) -> None:
    from digest.db.engine import DATABASE_FILE, Database

    Database(folder / DATABASE_FILE).close()


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[int, int]]:
    """The files on every loopback address, with validators and latency: the port, and the process they come from."""
    server = subprocess.Popen([*HERE, "serve", str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline()), server.pid
    finally:
        server.kill()
        server.communicate()


async def _serve(folder: Path) -> None:
    files = {f"/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    tags = {name: f'"{sha256(body).hexdigest()[:16]}"' for name, body in files.items()}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                name = "/" + head.split(" ", 2)[1].split("/", 2)[2]
                known = f"if-none-match: {tags[name]}\r\n" in head.lower()
                body = b"" if known else files[name]
                await asyncio.sleep(LATENCY)
                status = "304 Not Modified" if known else "200 OK"
                said = f"HTTP/1.1 {status}\r\nETag: {tags[name]}\r\nContent-Type: application/xml\r\n"
                writer.write(f"{said}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listener = await asyncio.start_server(answer, "0.0.0.0", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(_serve(Path(sys.argv[2])))
    elif sys.argv[1] == "made":
        _made(Path(sys.argv[2]))
    else:
        main(sys.argv[1], int(sys.argv[2]))
