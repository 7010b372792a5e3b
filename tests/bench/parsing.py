"""Reading and sanitising feeds, beside feedparser, and fastfeedparser with the same cleaning."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import cycle, islice

from digest.errors import ParseError
from digest.sources.feeds import parse_feed
from digest.sources.sanitize import clean_html
from tests.bench.fetching import DATA
from tests.bench.probe import Watch, timed, told

BASE = "https://feeds.example/x"


def main(contender: str, count: int) -> None:
    """Parse so many feeds; the best of two, so that what is loaded on first use is not counted."""
    names = [json.loads(line)["file"] for line in (DATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    feeds = [(DATA / name).read_bytes() for name in names if not name.endswith(".html")]
    parse, watch = PARSERS[contender], Watch()
    chosen = list(islice(cycle(feeds), count))
    told("parse", timed(lambda: [parse(feed) for feed in chosen], 2), watch)


def _ours(feed: bytes) -> int:
    try:
        return len(parse_feed(feed, url=BASE, headers={}).entries)
    except ParseError:
        return 0


def _fast(feed: bytes) -> int:
    try:
        entries = import_module("fastfeedparser").parse(feed).entries
    except ValueError:
        return 0
    for entry in entries:
        for text in (entry.get("description") or "", *(part["value"] or "" for part in entry.get("content") or ())):
            clean_html(text, BASE)
    return len(entries)


def _feedparser(feed: bytes) -> int:
    return len(import_module("feedparser").parse(io.BytesIO(feed)).entries)


PARSERS: dict[str, Callable[[bytes], int]] = {"digest": _ours, "fastfeedparser": _fast, "feedparser": _feedparser}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
