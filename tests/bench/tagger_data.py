"""What the tagger learns from: papers sorted by people, by this project's own reading, and by rules of thumb."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digest.evaluation.labels import parse_labelled_papers, read_golden_set
from digest.protocols import TagInput
from tests.bench.weak_labels import weak_label

OWN = Path(__file__).with_name("own_labels.tsv")
PER_LABEL = 2000  # weak labels of one kind


@dataclass(frozen=True)
class Example:
    """A paper, the shares of its categories, the lists it was found on, and who sorted it."""

    item: TagInput
    shares: dict[str, float]
    lists: tuple[str, ...] = ()
    kind: str = "weak"  # one, many: people's lists; own, own many: OWN; weak


def lines(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def labelled(folder: Path) -> list[Example]:
    """Papers that people sorted: with one label, and with several acceptable ones."""
    one = [_example(r, [r["label"]], "one") for r in lines(folder / "labels.jsonl.gz")]
    return one + [_example(r, r["acceptable"], "many") for r in lines(folder / "labels_multi.jsonl.gz")]


def unsorted(folder: Path) -> tuple[list[Example], list[Example]]:
    """Papers of the pools that are in no label file nor in the golden set: those of own_labels.tsv, and those that the
    rules of thumb sort, at most PER_LABEL of one kind."""
    papers = {r["arxiv_id"]: r for path in sorted((folder / "pools").glob("*.jsonl.gz")) for r in lines(path)}
    apart = _held_apart(folder)
    judged = {name: labels for name, labels in _own().items() if name in papers and name not in apart}
    own = [_example(papers[name], labels, "own" if len(labels) == 1 else "own many") for name, labels in judged.items()]
    return own, _weak([papers[name] for name in _shuffled(papers.keys() - apart - judged.keys())])


def taught(folder: Path) -> set[str]:
    """The arXiv ids of the papers that people sorted, and of those of own_labels.tsv that are learned from."""
    sorted_by_people = {r["arxiv_id"] for n in ("labels", "labels_multi") for r in lines(folder / f"{n}.jsonl.gz")}
    return sorted_by_people | (_own().keys() - _held_apart(folder))


def _held_apart(folder: Path) -> set[str]:
    names = ("labels", "labels_multi", "unlabelled")
    return {r["arxiv_id"] for n in names for r in lines(folder / f"{n}.jsonl.gz")} | {
        paper.key for paper in parse_labelled_papers(read_golden_set())
    }


def _own() -> dict[str, list[str]]:
    """arXiv id -> the categories that fit, as this project reads the paper."""
    rows = [line.split("\t") for line in OWN.read_text().splitlines() if not line.startswith("#")]
    return {name: labels.split("+") for name, labels in rows[1:]}


def _shuffled(names: Iterable[str]) -> list[str]:
    """The names in an order that has nothing to do with their dates, the same every time."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())


def _weak(papers: Iterable[dict[str, Any]]) -> list[Example]:
    found: list[Example] = []
    taken: Counter[str] = Counter()
    for paper in papers:
        shares = weak_label(paper["title"], paper["abstract"], paper["categories"])
        if shares:
            kind = "+".join(sorted(shares))
            taken[kind] += 1
            if taken[kind] <= (PER_LABEL if len(shares) == 1 else PER_LABEL // 5):
                found.append(Example(TagInput(paper["title"], paper["abstract"]), dict(shares)))
    return found


def _example(row: dict[str, Any], labels: list[str], kind: str) -> Example:
    item = TagInput(row["title"], row["abstract"])
    return Example(item, dict.fromkeys(labels, 1 / len(labels)), tuple(row.get("source_list", ())), kind)
