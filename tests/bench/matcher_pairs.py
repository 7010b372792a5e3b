"""Pairs of records to fit and to measure the matcher on, from the shared data: ids and links are withheld.

`labelled` are the given pairs; `picked` a curator's short title without a text against its paper and that paper's
neighbours; `named` a post made of a paper's name and half of its abstract, thinned so that it shares words with the
rest of it (half of the telling ones, as real posts do) but no phrases, against that paper (same), and against another
paper of that name by other people, or of a name grown from it (different).
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from digest.embeddings import load_embeddings
from digest.ingest.matching.features import RecordFeatures, build_record_features

_NEAREST, _NAMESAKES, _SIBLINGS = 4, 3, 6  # neighbours of a pick; one in so many of the others is taken
_APART = 10  # one paper in so many shares no sentence with its post
_LATE = 8  # one post in so many comes months away from its paper
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\\$])")


@dataclass(frozen=True)
class Pair:
    """Two records, whether they are one work, the set they come from, and the work that is held out as a whole."""

    one: RecordFeatures
    other: RecordFeatures
    same: bool
    kind: str
    work: str


def every(data: Path) -> list[Pair]:
    """All pairs; pairs about one work carry one name in `work`, whichever set they come from."""
    pairs = [*labelled(data), *picked(data), *named(data)]
    first: dict[str, str] = {}
    for pair in pairs:
        for name in (alias := pair.work.split("|")):
            first.setdefault(name, first.get(alias[0], alias[0]))
    return [replace(pair, work=first[pair.work.split("|")[0]]) for pair in pairs]


def labelled(data: Path) -> Iterator[Pair]:
    """The labelled pairs."""
    for row in lines(data / "duplicate_pairs.jsonl.gz"):
        names = [str(row[side].get("arxiv_id") or row[side].get("url") or row[side]["title"]) for side in ("a", "b")]
        one, other = (keyless(row[side]) for side in ("a", "b"))
        yield Pair(one, other, row["label"] == "same", row["kind"], "|".join(names))


def picked(data: Path) -> Iterator[Pair]:
    """Picks under their curators' titles, with their papers and those papers' neighbours."""
    picks = [row for row in lines(data / "picks.jsonl.gz") if row["curator"] == "dair-ai" and row["month"] > "2025"]
    for month in sorted({row["month"] for row in picks}):
        pool = list(lines(data / "pools" / f"{month}.jsonl.gz"))
        places = {row["arxiv_id"]: place for place, row in enumerate(pool)}
        papers = [keyless(row) for row in pool]
        matrix = embedded(papers)
        for pick in picks:
            place = places.get(pick["arxiv_id"]) if pick["month"] == month else None
            if place is None or not pick["title"]:
                continue
            paper, bare = _halved(pool[place]), _post(pool[place], pick["title"], "")
            full = _announced(pool[place], pick["title"])
            for post, same, kind in ((bare, papers[place], "pick"), (full, paper, "pick with text")):
                yield Pair(post, same, True, kind, pick["arxiv_id"])
                near = np.argsort(matrix @ embedded([post])[0])[::-1][: _NEAREST + 1]
                for other in [int(each) for each in near if each != place][:_NEAREST]:
                    yield Pair(post, papers[other], False, kind, pick["arxiv_id"])


def named(data: Path) -> Iterator[Pair]:
    """Posts under a paper's name, with that paper, with its namesakes and with those whose name grew from it."""
    by_name: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((data / "pools").glob("2025-*.gz")):
        for row in lines(path):
            if ":" in row["title"]:
                by_name[build_record_features({"title": row["title"]}).name].append(row)
    grown: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for rows in by_name.values():
        tokens = build_record_features({"title": rows[0]["title"]}).name_tokens
        if 1 < len(tokens) <= 4 and len(short := "".join(tokens[:-1])) > 3 and short in by_name:
            grown[short] += rows
    for name in sorted(name for name in by_name if len(name) > 2):
        rows = by_name[name]
        for one, other in pairwise(rows):
            if _drawn(one["arxiv_id"], _NAMESAKES) and not _people(one) & _people(other):
                yield Pair(_announced(one), _halved(one), True, "name and text", one["arxiv_id"])
                yield Pair(_announced(one), keyless(other), False, "namesake", one["arxiv_id"])
        siblings = [row for row in grown[name] if _drawn(row["arxiv_id"], _SIBLINGS)]
        if siblings and len(rows) == 1:
            yield Pair(_announced(rows[0]), _halved(rows[0]), True, "name and text", rows[0]["arxiv_id"])
        for other in siblings:
            yield Pair(_announced(rows[-1]), keyless(other), False, "sibling", rows[-1]["arxiv_id"])


def _halved(row: dict[str, Any]) -> RecordFeatures:
    """The paper without half of what its post says, now and then without all of it."""
    said = _SENTENCE.split(row["abstract"])
    gone = 2 if _drawn(row["arxiv_id"], _APART) else 4
    rest = [sentence for number, sentence in enumerate(said) if number % gone or len(said) == 1]
    return keyless({**row, "abstract": " ".join(rest)})


def _announced(row: dict[str, Any], title: str = "") -> RecordFeatures:
    """A post of the work under its name: every other sentence of the abstract without every fourth word."""
    words = " ".join(_SENTENCE.split(row["abstract"])[::2]).split()
    thinned = (word for number, word in enumerate(words, start=1) if number % 4)
    return _post(row, title or row["title"].split(":")[0], " ".join(thinned))


def _post(row: dict[str, Any], title: str, text: str) -> RecordFeatures:
    """A post on a paper some days before or after it, now and then months."""
    chance = crc32(row["arxiv_id"].encode())
    days = chance % 21 - 6 if chance % _LATE else chance % 400
    made = build_record_features({"title": title, "text": text, "source": "post", "date": row["published"]})
    made.published = made.published + timedelta(days=days) if made.published else None
    return made


def keyless(row: dict[str, Any]) -> RecordFeatures:
    """A row as a record without its id and link."""
    return build_record_features({**row, "arxiv_id": None, "url": ""})


def embedded(records: list[RecordFeatures]) -> NDArray[np.float32]:
    """The records' unit vectors, as the matcher makes them."""
    return load_embeddings().embed([f"{each.title}. {each.text[:2000]}" for each in records])


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file of packed JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as packed:
        yield from map(json.loads, packed)


def _people(row: dict[str, Any]) -> frozenset[str]:
    return build_record_features({"title": "", "authors": row["authors"]}).author_keys


def _drawn(name: str, share: int) -> bool:
    """Whether this one is among those taken, the same ones each time."""
    return crc32(name.encode()) // 7 % share == 0
