"""Pairs of an abstract and what an expert wrote on the paper, from the shared data."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple


class Pair(NamedTuple):
    """One paper, its abstract, and the first paragraph an expert wrote on it."""

    arxiv_id: str
    title: str
    abstract: str
    blurb: str


def rows(path: Path, ids: frozenset[str] | None = None) -> Iterator[dict[str, Any]]:
    """The records of a gzipped JSON-lines file; with `ids`, those whose first field is one of them."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if ids is None or line.split('"', 4)[3] in ids:
                yield json.loads(line)


@cache
def pairs(data: Path) -> list[Pair]:
    """All papers whose blurb and abstract are both there, by arXiv id."""
    blurbs = _blurbs(data)
    found: dict[str, tuple[str, str]] = {}
    for path in [*sorted((data / "pools").glob("*.jsonl.gz")), data / "works_2025.jsonl.gz"]:
        for row in rows(path, frozenset(blurbs)):
            found.setdefault(row["arxiv_id"], (row["title"], row["abstract"]))
    return [Pair(key, *found[key], blurbs[key]) for key in sorted(found)]


def _blurbs(data: Path) -> dict[str, str]:
    urls = {row["url"]: row["arxiv_id"] for row in rows(data / "picks.jsonl.gz") if row["arxiv_id"]}
    blurbs: dict[str, str] = {}
    for pair in rows(data / "duplicate_pairs.jsonl.gz"):
        sides = (pair["a"], pair["b"])
        ours = [side for side in sides if side["source"] == "dair-ai-pick"]
        key = next((side["arxiv_id"] for side in sides if side.get("arxiv_id")), None)
        if pair["label"] == "same" and ours and key:
            blurbs[key] = _opening(ours[0]["text"])
    for row in rows(data / "records.jsonl.gz"):
        key = row.get("arxiv_id") or urls.get(row["url"])
        if row["source"] == "dair-ai-pick" and key:
            blurbs[key] = _opening(row["text"])
    return blurbs


def _opening(text: str) -> str:
    """What stands before the list of points."""
    return re.split(r"\s*[●•]", text)[0]
