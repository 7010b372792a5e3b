"""`make bench`: each stage at 1, 10 and 100 times the work, beside peers, in one table, kept in .github/bench.md.

`python -m tests.bench NAME...` measures those parts anew and leaves the other rows as they are; NAME:SIZE shows one
size and keeps nothing. What is measured is written at once, so that an interrupted run keeps it. After the table stand
the parts that measure quality; `python -m tests.bench.ranking` and the like run one alone.
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

from tests.bench.table import Bar, Row, read, shown, text

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / ".github" / "bench.md"
HEAD = """# Benchmarks

Written by `make bench` on {machine}. Each stage has a process of its own and, where there is one, a peer in the
same run. Growth is the time at the largest work over that at the smallest, which is a hundredth of it. Seconds move
with the machine, ratios less. Memory is the most that the stage's process and its children held.

"""
PATIENCE = 600  # seconds for one contender at one size


@dataclass(frozen=True)
class Part:
    """A module that measures some rows, and the contender beside us: a package, or a program."""

    work: str
    sizes: tuple[int, ...]
    rows: tuple[str, ...]
    peer: str = ""

    def missing(self) -> str:
        """Why the peer cannot be asked, or nothing."""
        there = not self.peer or which(self.peer) or find_spec(self.peer)
        return "" if there else f"{self.peer} is not installed"


_YEAR = ("add", "tag", "rank", "shortlist", "search", "draft", "draft again", "status")
PARTS = {
    "fetching": Part("feeds", (5, 50, 500), ("fetch", "fetch, nothing new"), "reader"),
    "parsing": Part("feeds", (3, 30, 300), ("parse",), "feedparser"),
    "storing": Part("new items", (100, 1_000, 10_000), ("store",), "sqlite3"),
    "year": Part("papers, and 400 posts", (1_000, 10_000, 100_000), _YEAR),
    "publish": Part("issues", (1, 12, 120), ("publish", "render the site", "build the site"), "jekyll"),
    "mailing": Part("messages", (20, 200, 2_000), ("send",), "smtplib"),
    "starting": Part("digest --help", (1,), ("cold start",), "reader"),
}
PEERLESS = ("publish", "render the site")  # of a part with a peer, what the peer does not do
QUALITY = ("desk", "sheet", "duplicates", "quotes", "grounding", "ranking", "cost")
BARS = {
    "fetch": (Bar("ratio", 5),),
    "fetch, nothing new": (Bar("ratio", 1),),
    "store": (Bar("seconds", 1),),
    "shortlist": (Bar("seconds", 2),),
    "search": (Bar("seconds", 0.05),),
    "cold start": (Bar("seconds", 0.3),),
}
MEMORY = Bar("MB", 300)  # of every stage of a year


def main(words: list[str]) -> int:
    """Measure all, or the parts named; print the table; 1 when something failed or fell short."""
    chosen = {word.split(":")[0]: tuple(int(size) for size in word.split(":")[1:]) for word in words}
    if unknown := [name for name in chosen if name not in PARTS and name not in QUALITY]:
        print(f"no part {unknown[0]}; there are {', '.join([*PARTS, *QUALITY])}")
        return 2
    short: list[str] = []
    rows = _kept()[0]
    try:
        for name in chosen or [*PARTS, *QUALITY]:
            short += _table(name, chosen.get(name, ()), rows) if name in PARTS else _section(name)
    except KeyboardInterrupt:
        short.append("interrupted")
    print(f"\n{text(rows)}\n")
    if short:
        print(f"failed, or short of a bar: {', '.join(short)}")
    return int(bool(short))


def _table(name: str, only: tuple[int, ...], table: dict[str, list[str]]) -> list[str]:
    """Measure a part's rows at each size, we and the peer in turn; the names of those that failed or are short.

    What was measured at sizes of one's own choice is shown, not kept.
    """
    part, when = PARTS[name], f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    rows = {row: _row(name, row, only or part.sizes, when) for row in part.rows}
    for size in only or part.sizes:
        for contender in ("digest", *([part.peer] if part.peer and not part.missing() else ())):
            _probe(name, contender, size, rows)
            table |= {row.name: row.cells() for row in rows.values()}
            if not only:
                _write(rows=table)
    return [row.name for row in rows.values() if row.short()]


def _row(part: str, name: str, sizes: tuple[int, ...], when: str) -> Row:
    peer = "" if name in PEERLESS else PARTS[part].peer
    bars = BARS.get(name, ()) + ((MEMORY,) if part == "year" else ())
    whole = bars if sizes == PARTS[part].sizes else ()  # bars are for the largest work
    why = PARTS[part].missing() if peer else ""
    return Row(name, PARTS[part].work, sizes, peer, whole, when, peerless=why)


def _probe(part: str, contender: str, size: int, rows: dict[str, Row]) -> None:
    """One contender at one size, in a process of its own: what it says goes into the rows as it comes."""
    print(f"{part}, {contender}, {size:,} {PARTS[part].work} …", flush=True)
    ours, reached = contender == "digest", set()
    for fact in _said([f"tests.bench.{part}", contender, str(size)]):
        row = rows[fact["row"]]
        reached.add(row.name)
        (row.seconds if ours else row.peers)[size] = fact["seconds"]
        if ours:
            row.peaks[size] = fact["peak"]
        if fact.get("wrong"):
            row.wrong.append(f"{fact['wrong']} ({size:,})")
        print(f"    {row.name}: {shown(fact['seconds'])}, {fact.get('peak', '?')} MB", flush=True)
    for row in rows.values():
        if row.name not in reached and (ours or row.peer):
            row.wrong.append(f"{contender} failed at {size:,}")


def _said(module: list[str]) -> Iterator[dict[str, Any]]:
    """The facts a probe tells while it runs. It is ended when patience is over; when it fails, its last words shown."""
    process = _started(module)
    alarm = threading.Timer(PATIENCE, _end, [process])
    alarm.start()
    try:
        assert process.stdout is not None
        other = []
        for line in process.stdout:
            if line.startswith('{"row"'):
                yield json.loads(line)
            else:
                other.append(line)
        if process.wait():
            print("    failed: " + "    ".join(other[-6:]), flush=True)
    finally:
        alarm.cancel()
        _end(process)
        process.wait()


def _started(module: list[str]) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *module]
    return subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip


def _end(process: subprocess.Popen[str]) -> None:
    """Kill it with all it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _section(name: str) -> list[str]:
    """Run a part that measures quality, and keep what it says under its own heading."""
    print(f"{name} …", flush=True)
    process = _started([f"tests.bench.{name}"])
    try:
        said = process.communicate(timeout=PATIENCE)[0]
    except subprocess.TimeoutExpired:
        said = f"failed: not done after {PATIENCE} s"
    finally:
        _end(process)
    said = "\n".join(said.strip().splitlines()[-40:])
    print(said, flush=True)
    _write(section=(name, said))
    return [name] if process.wait() else []


def _kept() -> tuple[dict[str, list[str]], dict[str, str]]:
    """The rows and the sections of the file as it stands, in the order in which they are measured."""
    written = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    table, _, rest = written.partition("\n## ")
    rows = read(table)
    sections = dict(re.findall(r"(\w+)\n\n```\n(.*?)\n```", rest, re.DOTALL))
    order = [row for part in PARTS.values() for row in part.rows]
    return {name: rows[name] for name in order if name in rows}, {n: sections[n] for n in QUALITY if n in sections}


def _write(rows: dict[str, list[str]] | None = None, section: tuple[str, str] | None = None) -> None:
    """Put these in place of those the file has."""
    old_rows, sections = _kept()
    sections |= dict([section] if section else [])
    order = [row for part in PARTS.values() for row in part.rows]
    every = old_rows | (rows or {})
    machine = f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.machine()}"
    parts = [
        HEAD.format(machine=machine) + text({name: every[name] for name in order if name in every}),
        *(f"## {name}\n\n```\n{sections[name]}\n```" for name in QUALITY if name in sections),
    ]
    FILE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
