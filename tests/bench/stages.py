"""Add, tag, rank, draft, search and start-up at one month's size, a tenth of it, and ten times it (`--large`)."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from digest.app import Workspace, initialise

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "pools"
MONTH = 11_000
BARS = {"add": 5.0, "tag": 10.0, "draft": 3.0, "search": 0.05}  # seconds for a month


def papers(count: int) -> list[dict[str, Any]]:
    """So many papers of May 2026, with new ids where the pool is not large enough."""
    rows = []
    for path in sorted(SHARED.glob("2026-05*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    rows = rows or [{"title": f"A paper about subject {n}", "abstract": "We show it. " * 80} for n in range(1000)]
    return [
        row | {"arxiv_id": f"2605.{n:05d}", "title": f"{row['title']} {n}", "published": f"2026-05-{n % 28 + 1:02d}"}
        for n, row in enumerate(islice(cycle(rows), count))
    ]


def measure(count: int) -> list[tuple[str, int, float]]:
    """Seconds of each stage for `count` papers in a fresh workspace."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        initialise(folder)
        path = folder / "papers.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in papers(count)), encoding="utf-8")
        with Workspace(folder) as workspace:
            stages: list[tuple[str, Callable[[], object]]] = [
                ("add", lambda: workspace.add_jsonl(path)),
                ("tag", workspace.tag),
                ("rank", lambda: workspace.rank("2026-05")),
                ("draft", lambda: workspace.draft("2026-05")),
                ("draft again", lambda: workspace.draft("2026-05")),
                ("search", lambda: workspace.search("language agents")),
            ]
            return [(stage, count, _timed(run)) for stage, run in stages]


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def start_up() -> float:
    """Seconds of `digest --help`, the best of five."""
    call = [sys.executable, "-m", "digest", "--help"]
    return min(_timed(lambda: subprocess.run(call, check=True, capture_output=True)) for _ in range(5))


def main() -> int:
    """Print one line a stage and size; 1 when a month misses its bar."""
    sizes = [MONTH // 10, MONTH] + ([MONTH * 10] if "--large" in sys.argv else [])
    missed = False
    print(f"{'stage':12} {'papers':>8} {'seconds':>9}  bar")
    for size in sizes:
        for stage, count, seconds in measure(size):
            bar = BARS.get(stage) if count == MONTH else None
            missed |= bar is not None and seconds > bar
            told = f"{bar:g} {'met' if seconds <= bar else 'missed'}" if bar else ""
            print(f"{stage:12} {count:8,} {seconds:9.2f}  {told}")
    help_seconds = start_up()
    print(f"{'--help':12} {'':8} {help_seconds:9.2f}  0.3 {'met' if help_seconds <= 0.3 else 'missed'}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    return int(missed or help_seconds > 0.3)


if __name__ == "__main__":
    sys.exit(main())
