"""Many synthetic works in one workspace on PostgreSQL, and the same on SQLite: `python -m tests.bench.scale [WORKS]`.

Titles and summaries are words of the embedded model's vocabulary at the frequencies of language, a month of twenty
years as its publication date. It prints a table: store, index, search, a month's candidates, tagging with one and two
workers, memory of a worker, size on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import col, delete

import digest
from digest.app import Workspace
from digest.db.bulk import upsert
from digest.db.engine import DATABASE_FILE, DATABASE_URL_ENV
from digest.db.predictions import CandidateFilter, delete_engine_taggings, load_candidate_page
from digest.db.search import search_items, update_search_index
from digest.models.items import Item
from digest.models.predictions import ItemVector
from digest.ops.helpers import help_stage
from digest.tagging.embedded import EMBEDDED_ENGINE
from tests.ops.workspace import made
from tests.postgres import find_programs, running_server

FIRST = datetime(2006, 11, 1, tzinfo=UTC)
MONTHS = 240
MONTH = "2026-05"
NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
_BATCH, _QUERIES = 5000, 60


def load_words() -> tuple[list[str], list[float]]:
    """Words, and how often each is used, by Zipf's law."""
    lines = (Path(digest.__file__).parent / "data" / "vocab.txt").read_text(encoding="utf-8").split()
    words = [word for word in lines if word.isascii() and word.isalpha() and len(word) > 2][:20_000]
    return words, [*accumulate(1 / (place + 10) for place in range(len(words)))]


def make_works(count: int) -> Iterator[dict[str, Any]]:
    """The rows of so many works."""
    dice = random.Random(24)
    words, weights = load_words()
    for number in range(count):
        title = " ".join(dice.choices(words, cum_weights=weights, k=9))
        summary = " ".join(dice.choices(words, cum_weights=weights, k=150))
        published = FIRST + timedelta(days=number % MONTHS * 30.4375 + number // MONTHS % 28)
        item = Item(
            key=f"arxiv:{number:09d}", title=title.capitalize(), url=f"https://arxiv.org/abs/{number:09d}",
            source_id="arxiv", published=published, first_seen=NOW, summary=summary, digest=f"{number:016x}",
            authors=[f"{dice.choice(words)} {dice.choice(words)}".title() for _ in range(4)],
        )  # fmt: skip
        yield item.model_dump(exclude={"id"})


def store(workspace: Workspace, count: int) -> None:
    batch = []
    for number, row in enumerate(make_works(count), 1):
        batch.append(row)
        if len(batch) == _BATCH or number == count:
            with workspace.db.write() as session:
                upsert(session, Item, batch)
            batch = []


def index(workspace: Workspace) -> None:
    with workspace.db.write() as session:
        update_search_index(session)


def search(workspace: Workspace) -> list[float]:
    """The seconds of each of many searches of two words."""
    dice, seconds = random.Random(5), []
    words, _ = load_words()
    for _ in range(_QUERIES):
        query = f"{dice.choice(words[:300])} {dice.choice(words[300:3000])}"
        begun = time.perf_counter()
        with workspace.db.read() as session:
            search_items(session, query)
        seconds.append(time.perf_counter() - begun)
    return sorted(seconds)


def load_page(workspace: Workspace) -> None:
    period, zone = workspace.context.parse_period(MONTH), workspace.context.zone
    with workspace.db.read() as session:
        load_candidate_page(session, CandidateFilter(MONTH, period.start(zone), period.end(zone)), 0, 50)


def forget_tags(workspace: Workspace) -> None:
    with workspace.db.write() as session:
        delete_engine_taggings(session, EMBEDDED_ENGINE)
        session.connection().execute(delete(ItemVector).where(col(ItemVector.item_id) > 0))


def tag(folder: Path, workers: int) -> tuple[float, int]:
    """Tag everything with so many processes; the seconds from the first one's start to the last one's end, and MB."""
    command = [sys.executable, "-m", "tests.bench.scale", "--tag", str(folder)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) for _ in range(workers)]
    for child in children:  # each has loaded its model
        assert child.stdout is not None
        child.stdout.readline()
    begun = time.monotonic()
    facts = (
        [json.loads(child.communicate(b"go\n")[0]) for child in children] if workers == 1 else _tag_together(children)
    )
    assert sum(fact["tagged"] for fact in facts) > 0
    return max(fact["ended"] for fact in facts) - begun, max(fact["peak"] for fact in facts)


def _tag_together(children: list[subprocess.Popen[bytes]]) -> list[dict[str, Any]]:
    for child in children:
        assert child.stdin is not None
        child.stdin.write(b"go\n")
        child.stdin.flush()
    return [json.loads(child.communicate()[0]) for child in children]


def be_tagger(folder: Path) -> None:
    """Load the model, wait for the word, take batches until none is left."""
    from digest.embeddings import load_embeddings

    load_embeddings().embed(["warm"])
    with Workspace(folder, clock=lambda: NOW) as workspace:
        _ = workspace.context.db
        print("ready", flush=True)
        sys.stdin.readline()
        report = help_stage(workspace.context, "tag", "")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({"ended": time.monotonic(), "peak": peak, **report.numbers}), flush=True)


def measure_size(workspace: Workspace) -> int:
    """Megabytes on disk."""
    if not workspace.db.schema:
        path = workspace.root / DATABASE_FILE
        return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*")) >> 20
    query = (
        "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace "
        "WHERE nspname = :schema AND relkind = 'r'"
    )
    with workspace.db.read() as session:
        return int(session.connection().execute(text(query), {"schema": workspace.db.schema}).scalar_one()) >> 20


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def measure(folder: Path, count: int) -> dict[str, str]:
    """The rows of the table for one store."""
    made(folder)
    rows: dict[str, str] = {}
    with Workspace(folder, clock=lambda: NOW) as workspace:
        seconds = timed(lambda: store(workspace, count))
        rows["store"] = f"{seconds:.1f} s, {count / seconds:,.0f} works/s"
        rows["index"] = f"{timed(lambda: index(workspace)):.1f} s"
        if workspace.db.schema:
            with workspace.db.write() as session:
                session.connection().execute(text("ANALYZE"))
        searches = search(workspace)
        rows["search, p95"] = f"{searches[int(len(searches) * 0.95)] * 1000:.0f} ms"
        one, peak = tag(folder, 1)
        rows["tag, one worker"] = f"{one:.1f} s, {count / one:,.0f} works/s"
        rows["memory of a worker"] = f"{peak} MB"
        if workspace.db.schema:
            forget_tags(workspace)
            two, _ = tag(folder, 2)
            rows["tag, two workers"] = f"{two:.1f} s, {one / two:.2f} times as fast"
        rows["rank a month"] = f"{timed(lambda: workspace.rank(MONTH)):.2f} s"
        load_page(workspace)
        rows["candidates of a month"] = f"{timed(lambda: load_page(workspace)) * 1000:.0f} ms"
        rows["size"] = f"{measure_size(workspace)} MB"
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--tag", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.tag:
        be_tagger(asked.tag)
        return 0
    programs = find_programs()
    if programs is None:
        print("PostgreSQL is not installed (apt-get install postgresql): nothing was measured")
        return int(os.environ.get("CI") == "true")
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(running_server(programs))
        for count in asked.works:
            for name, address in (("PostgreSQL", url), ("SQLite", "")):
                os.environ[DATABASE_URL_ENV] = address
                print(f"\n{name}, {count:,} works", flush=True)
                for row, value in measure(place / f"{name.lower()}{count}", count).items():
                    print(f"  {row}: {value}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
