"""A year of items at 1,000, 10,000 and 100,000: shortlist, search, draft, and each stage's peak memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from digest.app import Workspace, initialise
from digest.store import shortlist
from tests.bench.stages import papers

SIZES = (1_000, 10_000, 100_000)
BARS = {"shortlist": 2.0, "search": 0.05}  # seconds at the largest size
MEMORY = 300.0  # MB at the largest size
MONTH = "2026-05"
STAGES = ("add", "tag", "rank", "shortlist", "search", "draft")


def made(folder: Path, count: int) -> None:
    """A workspace, and a file of so many papers, a twelfth of them published in each month of the year."""
    initialise(folder)
    with (folder / "papers.jsonl").open("w", encoding="utf-8") as file:
        for number, row in enumerate(papers(count)):
            month, day = number % 12 + 1, number // 12 % 28 + 1
            arxiv_id = f"26{month:02d}.{number // 12:05d}"
            file.write(json.dumps(row | {"arxiv_id": arxiv_id, "published": f"2026-{month:02d}-{day:02d}"}) + "\n")


def work(workspace: Workspace) -> dict[str, Callable[[], object]]:
    return {
        "add": lambda: workspace.add_jsonl(workspace.root / "papers.jsonl"),
        "tag": workspace.tag,
        "rank": lambda: workspace.rank(MONTH),
        "shortlist": lambda: page(workspace),
        "search": lambda: workspace.search("language agents"),
        "draft": lambda: workspace.draft(MONTH),
    }


def page(workspace: Workspace) -> None:
    """The month's shortlist as the desk shows it first."""
    period = workspace.context.period(MONTH)
    zone = workspace.context.zone
    with workspace.db.read() as session:
        shortlist.page(session, shortlist.Wanted(MONTH, period.start(zone), period.end(zone)), 0, 50)


def stage(folder: Path, name: str) -> tuple[float, float]:
    """Seconds (reading: the best of three, the index being there) and the peak memory of a process, in MB."""
    with Workspace(folder) as workspace:
        run, times = work(workspace)[name], 4 if name in BARS else 1
        seconds = [_timed(run) for _ in range(times)]
    return min(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def main() -> int:
    """Print a line a stage with each size's seconds and the last one's memory; 1 when a bar is missed."""
    rows: dict[str, list[tuple[float, float]]] = {name: [] for name in STAGES}
    sizes = tuple(int(word) for word in sys.argv[1:]) or SIZES
    for count in sizes:
        with tempfile.TemporaryDirectory() as name:
            made(Path(name), count)
            for one in STAGES:
                command = [sys.executable, "-m", "tests.bench.year", name, one]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                rows[one].append(tuple(json.loads(done.stdout)))
    print(f"{'stage':10}" + "".join(f"{count:>10,} s" for count in sizes) + "   peak MB")
    missed = []
    for one, found in rows.items():
        seconds, megabytes = found[-1]
        if sizes[-1] == SIZES[-1] and (seconds > BARS.get(one, seconds) or megabytes > MEMORY):
            missed.append(one)
        print(f"{one:10}" + "".join(f"{value:12.3f}" for value, _ in found) + f"{megabytes:10.0f}")
    print(f"bars at {SIZES[-1]:,}: {BARS}, {MEMORY:g} MB; missed: {', '.join(missed) or 'none'}")
    return int(bool(missed))


if __name__ == "__main__":
    if len(sys.argv) == 3 and not sys.argv[1].isdigit():
        print(json.dumps(stage(Path(sys.argv[1]), sys.argv[2])))
    else:
        sys.exit(main())
