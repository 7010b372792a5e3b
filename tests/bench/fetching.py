"""Fetching 500 feeds from 100 hosts with 50 ms latency, beside the `reader` package with 20 workers, in the same run.

The hosts are loopback addresses (127.0.x.y, Linux). Each contender runs in a process of its own, on a database made
beforehand; its peak memory is the most that the process and its children held at one moment, and its CPU seconds are
theirs together (on a busy machine they say more than the clock). Works in several feeds are stored once by us, apart
by reader.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import cycle, islice
from pathlib import Path
from typing import Any

FEEDS, HOSTS, LATENCY = 500, 100, 0.05
Row = dict[str, float | str]


def measure() -> list[Row]:
    """Rows of contender: seconds cold and warm, feeds without an item, CPU seconds, peak MB; then of storing 10,000."""
    from tests.conftest import SHARED as data  # here: pytest's memory is not a contender's

    files = [row["file"] for row in _manifest(data) if row.get("fp_entries")]
    with _serving(data / "feeds") as port:
        urls = [f"http://127.0.{n % HOSTS}.1:{port}/{n}/{name}" for n, name in enumerate(islice(cycle(files), FEEDS))]
        rows = [_contender(name, urls) for name in ("digest", "reader")]
    peer = rows[1]
    for row in rows:
        row |= {"cold x": float(peer["cold"]) / float(row["cold"]), "warm x": float(peer["warm"]) / float(row["warm"])}
    return [*rows, _contender("storage", [])]


def main() -> int:
    """Print the rows; fail when a bar is missed."""
    rows = measure()
    for row in rows:
        print({name: round(value, 2) if isinstance(value, float) else value for name, value in row.items()})
    ours, _, storage = rows
    bars = (
        float(ours["cold x"]) >= 5,
        float(ours["warm x"]) >= 1,
        ours["lost"] == 0,
        float(ours["peak MB"]) < 200,
        float(storage["seconds"]) < 1,
    )
    return 0 if all(bars) else 1


def _manifest(data: Path) -> list[dict[str, Any]]:
    lines = (data / "feeds" / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _contender(name: str, urls: list[str]) -> Row:
    """Run a contender in a fresh process."""
    from digest.store.database import FILE, Database

    with tempfile.TemporaryDirectory() as folder:
        Database(Path(folder) / FILE).close()
        command = [sys.executable, "-m", "tests.bench.fetching", name, folder]
        done = subprocess.run(command, input=json.dumps(urls), capture_output=True, text=True, check=True)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return {"contender": name, **row}


def _digest(folder: Path, urls: list[str]) -> Row:
    from digest.config import Source
    from digest.pipeline.fetch import fetch
    from tests.pipeline.workbench import Clock, context, counts

    sources = [Source(id=f"f{n}", kind="feed", url=url, allow_private=True) for n, url in enumerate(urls)]
    work = context(folder, sources, Clock(datetime.now(UTC)))
    began = time.perf_counter()
    report = asyncio.run(fetch(work))
    cold = time.perf_counter() - began
    lost = sum(count.found == 0 for count in counts(work, report.run_id).values())
    began = time.perf_counter()
    asyncio.run(fetch(work, force=True))
    return {"cold": cold, "warm": time.perf_counter() - began, "lost": lost}


def _reader(folder: Path, urls: list[str]) -> Row:
    from reader import make_reader

    reader = make_reader(str(folder / "reader.db"))
    for url in urls:
        reader.add_feed(url)
    began = time.perf_counter()
    reader.update_feeds(scheduled=False, workers=20)
    cold = time.perf_counter() - began
    lost = sum(reader.get_entry_counts(feed=url).total == 0 for url in urls)
    began = time.perf_counter()
    reader.update_feeds(scheduled=False, workers=20)
    return {"cold": cold, "warm": time.perf_counter() - began, "lost": lost}


def _storage(folder: Path, urls: list[str]) -> Row:
    """10,000 new items of an abstract's length, in one transaction, with their search index."""
    from digest.config import Source
    from digest.intake import Prepared, prepare
    from digest.pipeline.intake import take_in
    from digest.ports import Found
    from digest.store.database import Database

    now, source = datetime.now(UTC), Source(id="s", kind="feed", url="https://example.org/feed")
    words = [f"word{n * n % 9973}" for n in range(20_000)]
    items = []
    for n in range(10_000):
        summary = " ".join(words[n : n + 160])
        found = Found(guid=f"g{n}", url=f"https://example.org/{n}", title=f"Item {n} {words[n]}", summary=summary)
        found.published = now - timedelta(minutes=n)
        items.append(prepare(found, source, now))
    batch = [item for item in items if isinstance(item, Prepared)]
    database = Database(folder / "digest.db")
    began = time.perf_counter()
    with database.write() as session:
        take_in(session, batch)
    return {"seconds": time.perf_counter() - began, "items": len(batch), "characters": len(batch[0].summary)}


class _Watch(threading.Thread):
    """Looks at the memory of this process and its children, often. The kernel's own maximum for a child is no use: it
    counts what its parent held when it was started.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0
        self.start()

    def run(self) -> None:
        while True:
            self.peak = max(self.peak, sum(map(_resident, [os.getpid(), *_children()])))
            time.sleep(0.03)


def _children() -> list[int]:
    """The processes whose parent this one is: the second number behind the name in brackets."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(path.parent.name))
    return found


def _resident(process: int) -> float:
    """Megabytes; 0 for a process that has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    return 0.0


def _cpu() -> float:
    """Seconds, of this process and of its children that have ended."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


@contextmanager
def _serving(folder: Path) -> Iterator[int]:
    """The files on every loopback address, from a process of its own, with validators and latency."""
    command = [sys.executable, "-m", "tests.bench.fetching", "serve", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
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
                told = f"HTTP/1.1 {status}\r\nETag: {tags[name]}\r\nContent-Type: application/xml\r\n"
                writer.write(f"{told}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    listener = await asyncio.start_server(answer, "0.0.0.0", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await listener.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        raise SystemExit(main())
    role, place = sys.argv[1], Path(sys.argv[2])
    if role == "serve":
        asyncio.run(_serve(place))
    else:
        contender = {"digest": _digest, "reader": _reader, "storage": _storage}[role]
        watch = _Watch()
        measured = contender(place, json.loads(sys.stdin.read()))
        print(json.dumps(measured | {"cpu": _cpu(), "peak MB": watch.peak}))
