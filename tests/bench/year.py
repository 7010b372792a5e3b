"""A year of papers, and posts of ten blogs: adding, tagging, a month's rank, shortlist, search, draft and status, each in a fresh process."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from digest.app import Workspace, initialise
from digest.db.predictions import CandidateFilter, load_candidate_page
from digest.sources.feeds import parse_feed
from digest.text.html import html_to_text
from tests.bench.probe import Watch, timed, told

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
BLOGS, POSTS_OF_A_BLOG = 10, 40
MONTH = "2026-05"
READING = ("shortlist", "search", "status")  # these are timed once the page cache is warm


def papers(count: int) -> list[dict[str, Any]]:
    """So many papers, a twelfth in each month of 2026: those of the real pool, with new ids where it is not enough."""
    rows = []
    for path in sorted((SHARED / "pools").glob("2026-05*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows += [json.loads(line) for line in file]
    rows = rows or [{"title": f"A paper about subject {n}", "abstract": "We show it. " * 80} for n in range(1000)]
    return [
        row
        | {
            "arxiv_id": f"26{n % 12 + 1:02d}.{n // 12:05d}",
            "title": f"{row['title']} {n}",
            "published": f"2026-{n % 12 + 1:02d}-{n // 12 % 28 + 1:02d}",
        }
        for n, row in enumerate(islice(cycle(rows), count))
    ]


def posts() -> list[dict[str, Any]]:
    """Posts of ten blogs, spread over 2026, since a workspace reads both: real ones, with new addresses."""
    now, rows = datetime.now(UTC), []
    for blog, path in enumerate(islice(sorted((SHARED / "feeds" / "rss-feeds").glob("*.xml")), BLOGS)):
        url = f"https://blog{blog}.example.org/feed.xml"
        entries = parse_feed(path.read_bytes(), url=url, headers={}, now=now).entries
        rows += [(f"https://blog{blog}.example.org/", entry) for entry in islice(cycle(entries), POSTS_OF_A_BLOG)]
    return [
        {
            "title": f"{entry.title} {n}",
            "url": f"{site}{n}",
            "summary": html_to_text(entry.summary or entry.content or "")[:4000],
            "published": f"2026-{n % 12 + 1:02d}-{n // 12 % 28 + 1:02d}",
        }
        for n, (site, entry) in enumerate(rows)
    ]


def stages(workspace: Workspace) -> dict[str, Callable[[], object]]:
    """The rows, in the order in which each finds what it needs."""
    return {
        "add": lambda: workspace.add_jsonl(workspace.root / "papers.jsonl"),
        "tag": workspace.tag,
        "rank": lambda: workspace.rank(MONTH),
        "shortlist": lambda: page(workspace),
        "search": lambda: workspace.search("language agents"),
        "draft": lambda: workspace.draft(MONTH),
        "draft again": lambda: workspace.draft(MONTH),
        "status": lambda: status(workspace),
    }


def page(workspace: Workspace) -> None:
    """The month's shortlist as the desk shows it first."""
    period, zone = workspace.context.parse_period(MONTH), workspace.context.zone
    with workspace.db.read() as session:
        load_candidate_page(session, CandidateFilter(MONTH, period.start(zone), period.end(zone)), 0, 50)


def status(workspace: Workspace) -> None:
    from digest.ops.status import load_status as read

    read(workspace.context)


def stage(folder: Path, name: str) -> None:
    """Time one stage; reading ones are the best of four."""
    watch = Watch()
    with Workspace(folder) as workspace:
        seconds = timed(stages(workspace)[name], 4 if name in READING else 1)
    watch.look()
    told(name, seconds, watch)


def main(contender: str, count: int) -> None:
    """Every stage on a workspace of so many papers, each in a process of its own: memory is that stage's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        initialise(folder)
        lines = "".join(json.dumps(row) + "\n" for row in [*papers(count), *posts()])
        (folder / "papers.jsonl").write_text(lines, encoding="utf-8")
        for one in stages(Workspace(folder)):
            subprocess.run([sys.executable, "-m", "tests.bench.year", "stage", name, one], check=True)


if __name__ == "__main__":
    if sys.argv[1] == "stage":
        stage(Path(sys.argv[2]), sys.argv[3])
    else:
        main(sys.argv[1], int(sys.argv[2]))
