"""How fast feeds are read and sanitised, against feedparser, and fastfeedparser with the same cleaning."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from time import process_time

from digest.errors import ParseError
from digest.sources import parse_feed
from digest.sources.markup import clean_html
from tests.conftest import SHARED

BASE = "https://feeds.example/x"
ROUNDS = 3


def measure(data: Path = SHARED) -> list[dict[str, float | str]]:
    """Rows of parser, items found, feeds and items a second of CPU time, and speed against feedparser's."""
    folder = data / "feeds"
    names = [json.loads(line)["file"] for line in (folder / "manifest.jsonl").read_text().splitlines()]
    feeds = [(folder / name).read_bytes() for name in names if not name.endswith(".html")]
    rows: list[dict[str, float | str]] = []
    for name, (count, rounds) in PARSERS.items():
        seconds, items = min(_timed(count, feeds) for _ in range(rounds))
        rows.append({"parser": name, "items": items, "feeds/s": len(feeds) / seconds, "items/s": items / seconds})
    slowest = float(rows[-1]["feeds/s"])
    return [row | {"times feedparser": float(row["feeds/s"]) / slowest} for row in rows]


def _timed(count: Callable[[bytes], int], feeds: list[bytes]) -> tuple[float, int]:
    start = process_time()
    items = sum(count(feed) for feed in feeds)
    return process_time() - start, items


def _ours(feed: bytes) -> int:
    try:
        return len(parse_feed(feed, url=BASE, headers={}).items)
    except ParseError:
        return 0


def _fast(feed: bytes) -> int:
    import fastfeedparser

    try:
        entries = fastfeedparser.parse(feed).entries
    except ValueError:
        return 0
    for entry in entries:
        for text in (entry.get("description") or "", *(part["value"] or "" for part in entry.get("content") or ())):
            clean_html(text, BASE)
    return len(entries)


def _feedparser(feed: bytes) -> int:
    import feedparser

    return len(feedparser.parse(io.BytesIO(feed)).entries)


PARSERS: dict[str, tuple[Callable[[bytes], int], int]] = {
    "digest": (_ours, ROUNDS),
    "fastfeedparser + nh3": (_fast, ROUNDS),
    "feedparser": (_feedparser, 1),
}


def main() -> None:
    for row in measure():
        print(
            "  ".join(f"{name} {value:.1f}" if isinstance(value, float) else f"{value}" for name, value in row.items())
        )


if __name__ == "__main__":
    main()
