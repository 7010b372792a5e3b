"""Learn the tagger's weights and write digest/data/tagging.npz; also judges them on lists held out whole.

Takes `labels.jsonl.gz`, `labels_multi.jsonl.gz` and `pools/*.jsonl.gz` of a data folder (by default ../shared/data; see
digest.tagging.labels for the formats). Needs numpy only. The same data gives the same file.

    python -m tests.bench.train_tagger            the weights; 5 to 10 minutes on one core
    python -m tests.bench.train_tagger --check    the hold-out figures only
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from digest.ports import TagInput
from digest.tagging.features import ABSTRACT_WORDS, Floats, Ints, Sparse, Vocabulary, terms
from digest.tagging.labels import golden, read_labels
from digest.tagging.weights import FILE, Weights
from digest.vectors import vectors
from tests.bench.weak_labels import weak_label

NDBool = NDArray[np.bool_]
ROOT = Path(__file__).resolve().parents[2]
SLUGS = ("models", "techniques", "rag", "agents", "safety", "eval", "applications", "beyond")
# Lists are held out together when one kind of work is in several of them.
FOLDS = (
    ("LLM-Agents-Papers",),
    ("Long-Context-Modeling",),
    ("Awesome-Code-LLM",),
    ("Awesome-LLM-Safety",),
    ("LLM-for-RecSys",),
    ("Video-Diffusion",),
    ("llm4education", "llm-tech-report", "Multimodal-Large"),
    ("LLM-Compression", "Efficient-LLM"),
    ("RAG-Reasoning", "RAG-Security", "data-contamination", "Danielskry"),
    ("papers-for-rag", "Multimodal-RAG", "RAG-Vision", "agent-benchmark", "Scientific", "Awesome-LLM$",
     "RAG-Application", "AgenticRAG", "Retrieval-Augmented"),
)  # fmt: skip
PER_LABEL = 2000  # weak labels of one kind
WEIGHT = {"one": 2.0, "many": 0.5, "weak": 1.0}
EPOCHS, BATCH, RATE, DECAY = 3, 256, 1.0, 6e-5


@dataclass(frozen=True)
class Example:
    """A paper, the shares of its categories, the lists it was found on, and how much it counts."""

    item: TagInput
    shares: dict[str, float]
    lists: tuple[str, ...] = ()
    kind: str = "weak"
    counts: float = 1.0


def lines(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def labelled(folder: Path) -> list[Example]:
    """Papers that people sorted: with one label, and with several acceptable ones."""
    one = [
        Example(TagInput(r["title"], r["abstract"]), {r["label"]: 1.0}, tuple(r["source_list"]), "one")
        for r in lines(folder / "labels.jsonl.gz")
    ]
    many = [
        Example(
            TagInput(r["title"], r["abstract"]),
            dict.fromkeys(r["acceptable"], 1 / len(r["acceptable"])),
            tuple(r["source_list"]),
            "many",
        )
        for r in lines(folder / "labels_multi.jsonl.gz")
    ]
    return one + many


def weak(folder: Path) -> list[Example]:
    """Papers of the pools that the rules of thumb sort, at most PER_LABEL of one kind; none that is in a label file
    or in the golden set."""
    apart = {
        r["arxiv_id"] for name in ("labels", "labels_multi", "unlabelled") for r in lines(folder / f"{name}.jsonl.gz")
    }
    apart |= {p.key for p in read_labels(golden())}
    papers = {r["arxiv_id"]: r for path in sorted((folder / "pools").glob("*.jsonl.gz")) for r in lines(path)}
    found: list[Example] = []
    taken: Counter[str] = Counter()
    for name in sorted(papers.keys() - apart, key=lambda n: hashlib.sha256(n.encode()).digest()):
        paper = papers[name]
        shares = weak_label(paper["title"], paper["abstract"], paper["categories"])
        if shares:
            kind = "+".join(sorted(shares))
            taken[kind] += 1
            if taken[kind] <= (PER_LABEL if len(shares) == 1 else PER_LABEL // 5):
                found.append(Example(TagInput(paper["title"], paper["abstract"]), dict(shares)))
    return found


def vocabulary(
    examples: Sequence[Example], title_min: int = 4, abstract_min: int = 12, abstract_max: float = 0.3
) -> Vocabulary:
    """The terms of titles and abstracts that are neither rare nor everywhere."""
    titles: Counter[str] = Counter()
    abstracts: Counter[str] = Counter()
    for example in examples:
        titles.update({_name(t) for t in terms(example.item.title)})
        abstracts.update({_name(t) for t in terms(example.item.abstract, ABSTRACT_WORDS)})
    count = len(examples)
    title = sorted(t for t, n in titles.items() if n >= title_min and not t.startswith(" "))
    abstract = sorted(
        t for t, n in abstracts.items() if abstract_min <= n <= abstract_max * count and not t.startswith(" ")
    )
    rarity = [math.log(count / titles[t]) + 1 for t in title] + [math.log(count / abstracts[t]) + 1 for t in abstract]
    return Vocabulary(title, abstract, np.array(rarity, dtype=np.float32))


def _name(term: str | tuple[str, str]) -> str:
    return term if isinstance(term, str) else " ".join(term)


def targets(examples: Sequence[Example]) -> Floats:
    return np.array([[e.shares.get(slug, 0) for slug in SLUGS] for e in examples], dtype=np.float32)


def importance(examples: Sequence[Example], wanted: Floats) -> Floats:
    """What each example counts: by its kind, and as much more as its categories are scarce."""
    base = np.array([WEIGHT[e.kind] * e.counts for e in examples], dtype=np.float32)
    total = (wanted * base[:, None]).sum(axis=0)
    scarce = total.mean() / total
    weights: Floats = base * (wanted @ scarce)
    even: Floats = weights / weights.mean()
    return even


def some(rows: Sparse, which: Ints) -> Sparse:
    """The rows of those numbers."""
    sizes = np.diff(rows.starts)[which]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    at = np.repeat(rows.starts[:-1][which] - starts[:-1], sizes) + np.arange(starts[-1])
    return Sparse(starts.astype(np.int64), rows.columns[at], rows.values[at])


def fit(rows: Sparse, wanted: Floats, counts: Floats, width: int) -> tuple[Floats, Floats]:
    """Softmax regression on sets of acceptable categories, by Adagrad with a falling rate: (matrix, bias)."""
    order = np.random.default_rng(0)
    classes = wanted.shape[1]
    matrix, seen, bias = (
        np.zeros((width, classes), np.float32),
        np.zeros((width, classes), np.float32),
        np.zeros(classes, np.float32),
    )
    batches = [
        b for _ in range(EPOCHS) for b in np.array_split(order.permutation(rows.rows), math.ceil(rows.rows / BATCH))
    ]
    for number, batch in enumerate(batches):
        part = some(rows, batch)
        scores = part.times(matrix) + bias
        chances = softmax(scores)
        likely = wanted[batch] * chances  # of several acceptable categories, the one the model leans to
        likely /= likely.sum(axis=1, keepdims=True)
        error = (chances - likely) * counts[batch][:, None] / len(batch)
        columns, place = np.unique(part.columns, return_inverse=True)
        spread = error[np.repeat(np.arange(len(batch)), np.diff(part.starts))] * part.values[:, None]
        slope = np.stack([np.bincount(place, spread[:, c], minlength=len(columns)) for c in range(classes)], axis=1)
        slope = (slope + DECAY * matrix[columns]).astype(np.float32)
        rate = RATE * (1 - number / len(batches)) + 1e-4
        seen[columns] += slope * slope
        matrix[columns] -= rate * slope / (np.sqrt(seen[columns]) + 1e-6)
        bias -= 0.1 * rate * error.sum(axis=0)
    return matrix, bias


def softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: Floats = raised / raised.sum(axis=1, keepdims=True)
    return chances


def held_out(
    examples: Sequence[Example], people: int, rows: Sparse, short: Sparse, width: int
) -> tuple[Floats, Floats]:
    """Chances of the first `people` examples under weights that never saw their lists: by abstract, by title."""
    full, bare = np.zeros((2, people, len(SLUGS)), np.float32)
    wanted = targets(examples)
    for fold in FOLDS:
        out = np.array([any(part in name + "$" for part in fold for name in e.lists) for e in examples])
        learn, judge = np.flatnonzero(~out), np.flatnonzero(out)
        matrix, bias = fit(
            some(rows, learn), wanted[learn], importance([examples[i] for i in learn.tolist()], wanted[learn]), width
        )
        full[judge] += softmax(some(rows, judge).times(matrix) + bias)
        bare[judge] += softmax(some(short, judge).times(matrix) + bias)
        print(f"  {fold[0]:24} {_line(examples, full, judge)}", flush=True)
    return full / full.sum(axis=1, keepdims=True), bare / bare.sum(axis=1, keepdims=True)


def right(examples: Sequence[Example], chances: Floats) -> NDBool:
    said = chances.argmax(axis=1).tolist()
    return np.array([SLUGS[best] in e.shares for e, best in zip(examples, said, strict=True)])


def _line(examples: Sequence[Example], chances: Floats, which: Ints) -> str:
    parts = []
    for kind in ("one", "many"):
        chosen = [int(i) for i in which if examples[i].kind == kind]
        if chosen:
            share = right([examples[i] for i in chosen], chances[chosen]).mean()
            parts.append(f"{kind} {share:.3f} of {len(chosen)}")
    return ", ".join(parts)


def curve(chances: Floats, correct: NDBool) -> Floats:
    """How often a raw chance was right, rising: rows (raw, right).

    Sixty groups of equal size, neighbours that fall pooled, less one standard error of a group: lists yet to come
    differ more from these than these from one another.
    """
    raw = chances.max(axis=1)
    blocks: list[tuple[float, float, int]] = []  # mean raw, mean right, size
    for part in np.array_split(np.argsort(raw), 60):
        blocks.append((float(raw[part].mean()), float(correct[part].mean()), len(part)))
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            (a, b, m), (x, y, n) = blocks[-2:]
            blocks[-2:] = [((a * m + x * n) / (m + n), (b * m + y * n) / (m + n), m + n)]
    size = len(raw) / 60
    return np.array([[x for x, _, _ in blocks], [_cautious(y, size) for _, y, _ in blocks]], dtype=np.float32)


def _cautious(share: float, size: float) -> float:
    return min(0.995, share - math.sqrt(share * (1 - share) / size))


def report(examples: Sequence[Example], chances: Floats, name: str) -> None:
    one = np.array([i for i, e in enumerate(examples) if e.kind == "one"])
    truth = np.array([SLUGS.index(next(iter(examples[int(i)].shares))) for i in one])
    said = chances[one].argmax(axis=1)
    f1 = [
        2 * ((said == c) & (truth == c)).sum() / max(1, (said == c).sum() + (truth == c).sum())
        for c in range(len(SLUGS))
    ]
    many = np.array([e.kind == "many" for e in examples])
    inside = right(examples, chances)[many].mean()
    print(f"{name}: accuracy {(said == truth).mean():.4f}, macro-F1 {np.mean(f1):.4f}, acceptable {inside:.4f}")
    print("  " + " ".join(f"{slug} {value:.2f}" for slug, value in zip(SLUGS, f1, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--taxonomy", type=Path, default=ROOT / "sources.yaml")
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    people = labelled(chosen.data)
    examples = people + weak(chosen.data)
    terms_known = vocabulary(examples)
    rows = terms_known.rows([e.item for e in examples])
    short = terms_known.rows([TagInput(e.item.title) for e in people])
    print(f"{len(people)} labelled, {len(examples) - len(people)} weak, {len(terms_known)} terms", flush=True)
    full, bare = held_out(examples, len(people), rows, short, len(terms_known))
    report(people, full, "held-out lists, with abstract")
    report(people, bare, "held-out lists, title alone")
    if not chosen.check:
        weights = learned(examples, rows, terms_known, (full, bare), chosen.taxonomy)
        (ROOT / "digest" / "data" / FILE).write_bytes(weights.pack())


def learned(
    examples: Sequence[Example], rows: Sparse, terms_known: Vocabulary, judged: tuple[Floats, Floats], taxonomy: Path
) -> Weights:
    """The weights learned from everything, with the curves of confidence that the held-out lists gave."""
    wanted = targets(examples)
    matrix, bias = fit(rows, wanted, importance(examples, wanted), len(terms_known))
    middle: Floats = vectors().embed([e.item.title for e in examples]).mean(axis=0)
    full, bare = (curve(chances, right(examples[: len(chances)], chances)) for chances in judged)
    return Weights(SLUGS, terms_known, matrix, bias, meanings(taxonomy, middle), middle, (full, bare))


def meanings(taxonomy: Path, middle: Floats) -> Floats:
    """Vectors of the default categories' descriptions: who changes one means another category."""
    described = {c["slug"]: c["description"] for c in yaml.safe_load(taxonomy.read_text())["taxonomy"]["categories"]}
    apart = vectors().embed([described[slug] for slug in SLUGS]) - middle
    unit: Floats = apart / np.linalg.norm(apart, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    main()
