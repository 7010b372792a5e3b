"""What the desk's answers cost with a month of 11,000 candidates, over a real loopback connection.

The bound is on the processor's time of server and client together; the time on the wall, which other work on the
machine lengthens, stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import httpx2

from digest.context import Context
from digest.db.bulk import upsert
from digest.db.items import load_period_items
from digest.db.predictions import replace_ranking
from digest.db.search import update_search_index
from digest.models.items import Item
from digest.models.predictions import Tagging
from digest.text import hash_texts
from tests.web.workspace import NOW, PERIOD, desk, make

CANDIDATES = 11_000
KEPT = 2_000  # places that `digest rank` stores; search goes beyond them
_BATCH = 1_000
_WORDS = ["retrieval", "agent", "safety", "benchmark", "quantisation", "language", "model", "memory", "tool", "reward"]


def main() -> list[tuple[str, float, str]]:
    """Rows: what was asked, seconds of processor time (median of nine), the bound and the seconds on the wall."""
    with TemporaryDirectory() as folder:
        root = make(Path(folder) / "workspace")
        with desk(root) as running, httpx2.Client(base_url=f"http://127.0.0.1:{running.port}", timeout=60) as client:
            fill(running.context)
            client.get(running.url)
            client.headers.update({"Origin": str(client.base_url), "X-Desk": running.secrets.form})
            return [(f"desk with 11,000 candidates: {name}", *median(ask)) for name, ask in asks(client)]


def asks(client: httpx2.Client) -> list[tuple[str, Callable[[], object]]]:
    """What an editor's browser asks for."""

    def get(path: str) -> Callable[[], object]:
        return lambda: client.get(f"/{PERIOD}{path}").raise_for_status()

    words = iter(range(10**6))

    def save() -> None:
        version = client.get(f"/{PERIOD}/state").json()["version"]
        body = {"version": version, "action": "text", "field": "intro", "text": f"Words {next(words)}."}
        client.post(f"/{PERIOD}/edit", json=body).raise_for_status()

    return [
        ("first page of the shortlist", get("/shortlist")),
        ("one category", get("/shortlist?category=agents")),
        ("one source, page 11", get("/shortlist?source=manual&offset=500")),
        ("full-text search", get("/shortlist?q=quantisation+memory")),
        ("the issue", get("/issue")),
        ("whole page", get("")),
        ("gates", get("/gates")),
        ("autosave", save),
        ("has it changed?", get("/state")),
    ]


def fill(context: Context) -> None:
    """Items of October with verdicts and places, written in bulk."""
    categories = [category.slug for category in context.config.taxonomy.categories]
    for start in range(0, CANDIDATES, _BATCH):
        rows = [_item(number) for number in range(start, start + _BATCH)]
        with context.db.write() as session:
            upsert(session, Item, rows, ["key"])
    with context.db.write() as session:
        update_search_index(session)
        period = context.parse_period(PERIOD)
        found = load_period_items(session, period.start(context.zone), period.end(context.zone))
        tagged = [_verdict(item, categories[(item.id) % len(categories)]) for item in found]
        upsert(session, Tagging, tagged, ["item_id", "engine"])
        reasons = [{"feature": "topic", "value": 1.0, "part": 0.5, "words": "topic match 4/5"}]
        places: list[dict[str, Any]] = [
            {"period": PERIOD, "item_id": item.id, "place": n, "score": 5 - n / CANDIDATES}
            | {"reasons": reasons, "ranker": "bench", "at": NOW}
            for n, item in enumerate(found[:KEPT], 1)
        ]
        replace_ranking(session, PERIOD, places)


def _item(number: int) -> dict[str, Any]:
    words = " ".join(_WORDS[(number * step) % len(_WORDS)] for step in range(1, 8))
    title = f"Work {number} on {words}"
    return Item(
        key=f"arxiv:2510.{number:05d}",
        title=title,
        url=f"https://arxiv.org/abs/2510.{number:05d}",
        authors=["Ada Author", "Ben Writer"],
        summary=f"We study {words}. " * 12,
        source_id="manual",
        published=NOW - timedelta(days=5 + number % 28),
        first_seen=NOW,
        digest=hash_texts(title),
    ).model_dump(exclude={"id"})


def _verdict(item: Item, category: str) -> dict[str, Any]:
    return Tagging(
        item_id=item.id,
        engine="embedded",
        category=category,
        confidence=0.8,
        taxonomy="bench",
        item_digest=item.digest,
        at=NOW,
    ).model_dump(exclude={"id"})


def median(work: Callable[[], object]) -> tuple[float, str]:
    """The middle one of nine runs, after one that warms up."""
    work()
    took = []
    for _ in range(9):
        begin, wall = process_time(), perf_counter()
        work()
        took.append((process_time() - begin, perf_counter() - wall))
    spent, wall = (sorted(column)[4] for column in zip(*took, strict=True))
    return spent, f"< 0.1 s; {wall:.3f} s on the wall"


if __name__ == "__main__":
    for name, took, bound in main():
        print(f"{name}: {took:.3f} s ({bound})")
