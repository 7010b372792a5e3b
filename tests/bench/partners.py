"""Possible duplicates: what the preselection of partners finds of an exhaustive comparison, and its time.

The pairs are made from the real posts of a data folder: an item of another source with the same title, a title that is
announced or cut, or the lead alone; and those of `duplicate_pairs.jsonl.gz` of which one side has no arXiv id.

    python -m tests.bench.partners WORKSPACE    a workspace with papers and posts, tagged; a copy of it is used
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

from digest.app import Workspace
from digest.db.items import load_period_items
from digest.db.predictions import load_item_embeddings, load_uncompared_items
from digest.ingest.matching import match_records
from digest.models.items import Item
from digest.tagging.items import _MAX_TIME_APART, _build_record, _find_pairs

PAIRS = Path(__file__).resolve().parents[3] / "shared" / "data" / "duplicate_pairs.jsonl.gz"
COUNT = 500


def copies(items: list[Item]) -> Iterator[dict[str, Any]]:
    """Items of another source about the same works."""
    for number, item in enumerate(items):
        text = item.summary or item.content
        title, body = {
            0: (item.title, text[: len(text) // 2]),
            1: (f"Introducing {item.title}", text),
            2: (item.title.split(":")[0], text),
            3: (" ".join(item.title.split()[:-1]) or item.title, text[:300]),
        }[number % 4]
        day = f"{item.published:%Y-%m-%d}" if item.published else ""
        yield {
            "url": f"https://copy.example/{number}",
            "title": title,
            "summary": body,
            "published": day,
            "source": "copy",
        }


def labelled(month: str) -> Iterator[dict[str, Any]]:
    """Both sides of the labelled pairs, in one month, so that each is near the other; keys are left to the product."""
    with gzip.open(PAIRS, "rt", encoding="utf-8") as lines:
        for number, row in enumerate(map(json.loads, lines)):
            for side in ("a", "b"):
                record = row[side]
                own = {"arxiv_id": record["arxiv_id"]} if side == "a" and record.get("arxiv_id") else {}
                yield {
                    "title": record["title"], "abstract": record.get("text", ""), "authors": record.get("authors") or [],
                    "published": f"{month}-{number % 28 + 1:02d}", "source": f"{side}-{record['source']}",
                    **(own or {"url": f"https://{side}.example/{number}"}),
                }  # fmt: skip


def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "workspace"
        shutil.copytree(folder, root)
        with Workspace(root) as made:
            period = made.context.parse_period("2026-05")
            start, end = (moment(made.context.zone) for moment in (period.start, period.end))
            with made.db.read() as session:
                items = load_period_items(session, start, end)
            posts = [item for item in items if not item.key.startswith("arxiv:")]
            papers = [item for item in items if item.key.startswith("arxiv:")]
            rows = [*copies([*posts, *papers[: COUNT - len(posts)]]), *labelled("2026-05")]
            (root / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            made.add_jsonl(root / "rows.jsonl")
            made.tag()
            compare(made)


def compare(made: Workspace) -> None:
    """Print how many pairs both ways find."""
    period = made.context.parse_period("2026-05")
    start, end = period.start(made.context.zone) - _MAX_TIME_APART, period.end(made.context.zone) + _MAX_TIME_APART
    with made.db.read() as session:
        assert not load_uncompared_items(session)
        items = load_period_items(session, start, end)
        vectors = load_item_embeddings(session, items)
    new_ids = frozenset(item.id for item in items if item.source_id.startswith(("copy", "a-", "b-")))
    started = process_time()
    chosen = {frozenset(pair[:2]) for pair in _find_pairs(made.context, new_ids, start, end)}
    seconds = process_time() - started
    started = process_time()
    records = [_build_record(item) for item in items]
    others = frozenset(n for n, item in enumerate(items) if not item.key.startswith("arxiv:"))
    result = match_records(records, new_positions=others, vectors=vectors)
    pairs = [(n, group) for n, group in enumerate(result.groups) if n != group]
    pairs += [(pair.left, pair.right) for pair in result.possible_pairs]
    ids = [frozenset((items[a].id, items[b].id)) for a, b in pairs]
    every = {pair for pair in ids if pair & new_ids}
    print(
        f"{len(items)} items, {len(new_ids)} new: {len(every)} pairs by comparing all in {process_time() - started:.1f} s"
    )
    print(f"{len(chosen)} by preselection in {seconds:.1f} s, of which in both {len(chosen & every)}")
    print(f"recall {len(chosen & every) / max(1, len(every)):.4f}")
    titles = {item.id: item.title for item in items}
    for pair in list(every - chosen)[:12]:
        print("  missed:", " | ".join(titles[n][:60] for n in pair))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
