"""Learn the tagger's weights; also judges them on lists held out whole. Writes them, and who taught it, to digest/data.

Takes `labels.jsonl.gz`, `labels_multi.jsonl.gz` and `pools/*.jsonl.gz` of a data folder (by default ../shared/data; see
digest.tagging.labels for the formats), and own_labels.tsv. Needs numpy only. The same data gives the same file.

    python -m tests.bench.train_tagger            the weights; 10 to 15 minutes on one core
    python -m tests.bench.train_tagger --check    the hold-out figures only
"""

from __future__ import annotations

import argparse
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import numpy as np
import yaml
from numpy.typing import NDArray

from digest.embeddings import load_embeddings
from digest.protocols import TagInput
from digest.sparse import SparseMatrix
from digest.tagging.chunks import WORD, Floats, Ints
from digest.tagging.features import MAX_ABSTRACT_WORDS, Vocabulary, _split_tail, embed_inputs
from digest.tagging.weights import TRAINING_SET_FILE as TAUGHT
from digest.tagging.weights import WEIGHTS_FILE, TaggerWeights
from tests.bench.tagger_data import Example, labelled, taught, unsorted

NDBool = NDArray[np.bool_]
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "digest" / "data"
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
WEIGHT = {"one": 2.0, "many": 0.5, "own": 2.0, "own many": 1.0, "weak": 1.0}
EPOCHS, BATCH, RATE, DECAY = 3, 256, 1.0, 6e-5
ORDERS = 3
GROUP = 66  # verdicts whose share right is counted together
SETTLED = 0.6  # of the steps, after which the weights are averaged


def extract_terms(text: str, limit: int | None = None) -> Iterator[str | tuple[str, str]]:
    """Yield a text's words, tails of coined names and word pairs: `Qwen2.5-7B models` has qwen#, #b, model."""
    last = ""
    for word in WORD.findall(text.lower())[:limit]:
        folded, tail = _split_tail(word)
        yield folded
        yield last, folded
        if tail:
            yield tail
        last = folded


def pack_weights(weights: TaggerWeights) -> bytes:
    """Serialise the weights, compressed: each category's column as signed bytes with a scale."""
    scale = np.abs(weights.term_weights).max(axis=0) / 127
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        slugs=_pack_names(weights.slugs),
        title=_pack_names(weights.vocabulary.title),
        abstract=_pack_names(weights.vocabulary.abstract),
        rarity=weights.vocabulary.rarity.astype(np.float16),
        matrix=np.round(weights.term_weights / scale).astype(np.int8),
        scale=scale,
        near=weights.vector_weights.astype(np.float16),
        bias=weights.bias,
        meanings=weights.description_vectors.astype(np.float16),
        centres=weights.centres,
        full=weights.calibration_curves[0],
        short=weights.calibration_curves[1],
    )
    return buffer.getvalue()


def _pack_names(names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def pack_training_set(keys: Iterable[str]) -> bytes:
    """Serialise the training set: sorted checksums, four bytes a paper."""
    buffer = io.BytesIO()
    np.save(buffer, np.array(sorted({crc32(key.encode()) for key in keys}), dtype=np.uint32))
    return buffer.getvalue()


def vocabulary(
    examples: Sequence[Example], title_min: int = 4, abstract_min: int = 12, abstract_max: float = 0.3
) -> Vocabulary:
    """The terms of titles and abstracts that are neither rare nor everywhere."""
    titles: Counter[str] = Counter()
    abstracts: Counter[str] = Counter()
    for example in examples:
        titles.update({_name(t) for t in extract_terms(example.item.title)})
        abstracts.update({_name(t) for t in extract_terms(example.item.abstract, MAX_ABSTRACT_WORDS)})
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
    base = np.array([WEIGHT[e.kind] for e in examples], dtype=np.float32)
    total = (wanted * base[:, None]).sum(axis=0)
    scarce = total.mean() / total
    weights: Floats = base * (wanted @ scarce)
    even: Floats = weights / weights.mean()
    return even


def some(rows: SparseMatrix, which: Ints) -> SparseMatrix:
    """The rows of those numbers."""
    sizes = np.diff(rows.starts)[which]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    at = np.repeat(rows.starts[:-1][which] - starts[:-1], sizes) + np.arange(starts[-1])
    return SparseMatrix(starts.astype(np.int64), rows.columns[at], rows.values[at])


@dataclass(frozen=True)
class Papers:
    """Papers as numbers: their terms, their vectors, and the shares of their categories."""

    rows: SparseMatrix
    near: Floats
    wanted: Floats

    def some(self, which: Ints) -> Papers:
        return Papers(some(self.rows, which), self.near[which], self.wanted[which])


@dataclass(frozen=True)
class Linear:
    """Weights of terms, of vectors and of nothing at all."""

    matrix: Floats
    near: Floats
    bias: Floats

    def chances(self, papers: Papers) -> Floats:
        return softmax(papers.rows.multiply_matrix(self.matrix) + papers.near @ self.near + self.bias)


def learn(papers: Papers, counts: Floats, width: int) -> Linear:
    """The mean of fits of words alone, which know the rare ones, and of words with vectors, which know their kin.

    Each kind is fitted ORDERS times, the papers coming in other orders: that alone is worth a point of macro-F1.
    """
    kinds = (replace(papers, near=papers.near * 0), papers)
    fits = [fit(kind, counts, width, order) for kind in kinds for order in range(ORDERS)]
    return Linear(_mean([f.matrix for f in fits]), _mean([f.near for f in fits]), _mean([f.bias for f in fits]))


def _mean(parts: Sequence[Floats]) -> Floats:
    mean: Floats = (sum(parts[1:], parts[0]) / len(parts)).astype(np.float32)
    return mean


def fit(papers: Papers, counts: Floats, width: int, seed: int) -> Linear:
    """Softmax regression on sets of acceptable categories, by Adagrad; the mean of the last steps."""
    order = np.random.default_rng(seed)
    classes, count = len(SLUGS), papers.rows.row_count
    matrix, seen, matrices = np.zeros((3, width + papers.near.shape[1], classes), np.float32)
    bias, biases = np.zeros((2, classes), np.float32)
    batches = [b for _ in range(EPOCHS) for b in np.array_split(order.permutation(count), math.ceil(count / BATCH))]
    settled = int(SETTLED * len(batches))
    vectors_at = np.arange(width, len(matrix))
    for number, batch in enumerate(batches):
        part = papers.some(batch)
        scores = part.rows.multiply_matrix(matrix[:width]) + part.near @ matrix[width:] + bias
        error = (_error(scores, part.wanted) * counts[batch][:, None] / len(batch)).astype(np.float32)
        columns, slope = _slope(part.rows, error)
        columns, slope = np.append(columns, vectors_at), np.concatenate([slope, part.near.T @ error])
        slope += DECAY * matrix[columns]
        rate = RATE * (1 - 0.8 * number / len(batches))
        seen[columns] += slope * slope
        matrix[columns] -= rate * slope / (np.sqrt(seen[columns]) + 1e-6)
        bias -= (0.1 * rate * error.sum(axis=0)).astype(np.float32)
        if number >= settled:
            matrices += matrix
            biases += bias
    steps = len(batches) - settled
    mean = (matrices / steps).astype(np.float32)
    return Linear(mean[:width], mean[width:], (biases / steps).astype(np.float32))


def _error(scores: Floats, wanted: Floats) -> Floats:
    """What the chances are over: of several acceptable categories, the one the model leans to is wanted."""
    chances = softmax(scores)
    likely = wanted * chances
    over: Floats = chances - likely / likely.sum(axis=1, keepdims=True)
    return over


def _slope(part: SparseMatrix, error: Floats) -> tuple[Ints, Floats]:
    """The columns that occur, and how the loss rises with the weights of each."""
    columns, place = np.unique(part.columns, return_inverse=True)
    spread = error[np.repeat(np.arange(part.row_count), np.diff(part.starts))] * part.values[:, None]
    sums = [np.bincount(place, spread[:, c], minlength=len(columns)) for c in range(error.shape[1])]
    return columns, np.stack(sums, axis=1).astype(np.float32)


def softmax(scores: Floats) -> Floats:
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: Floats = raised / raised.sum(axis=1, keepdims=True)
    return chances


def held_out(examples: Sequence[Example], papers: Papers, short: Papers, width: int) -> tuple[Floats, Floats]:
    """Chances of the examples in `short` under weights that never saw their lists: by abstract, by title."""
    full, bare = np.zeros((2, short.rows.row_count, len(SLUGS)), np.float32)
    for fold in FOLDS:
        out = np.array([any(part in name + "$" for part in fold for name in e.lists) for e in examples])
        rest, judge = np.flatnonzero(~out), np.flatnonzero(out)
        counts = importance([examples[i] for i in rest.tolist()], papers.wanted[rest])
        linear = learn(papers.some(rest), counts, width)
        full[judge] += linear.chances(papers.some(judge))
        bare[judge] += linear.chances(short.some(judge))
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


def curve(examples: Sequence[Example], chances: Floats) -> Floats:
    """How often a raw chance was right, rising: rows (raw, right); of the two label files, the worse at each."""
    raw, correct = chances.max(axis=1), right(examples, chances)
    grid = np.quantile(raw, np.linspace(0, 1, 61))
    kinds = [np.array([e.kind == kind for e in examples]) for kind in ("one", "many")]
    worse = np.min([np.interp(grid, *_rising(raw[kind], correct[kind])) for kind in kinds], axis=0)
    return np.array([grid, worse], dtype=np.float32)


def _rising(raw: Floats, correct: NDBool) -> tuple[list[float], list[float]]:
    """Groups of GROUP, neighbours that fall pooled, less one standard error of a group: lists yet to come differ more
    from these than these from one another."""
    blocks: list[tuple[float, float, int]] = []  # mean raw, mean right, size
    for part in np.array_split(np.argsort(raw), max(1, len(raw) // GROUP)):
        blocks.append((float(raw[part].mean()), float(correct[part].mean()), len(part)))
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            (a, b, m), (x, y, n) = blocks[-2:]
            blocks[-2:] = [((a * m + x * n) / (m + n), (b * m + y * n) / (m + n), m + n)]
    return [x for x, _, _ in blocks], [_cautious(y) for _, y, _ in blocks]


def _cautious(share: float) -> float:
    return min(0.995, share - math.sqrt(share * (1 - share) / GROUP))


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
    sure = np.interp(chances.max(axis=1), *curve(examples, chances)) >= 0.9
    for kind, chosen in (("one", ~many), ("many", many)):
        share, hits = sure[chosen].mean(), right(examples, chances)[sure & chosen].mean()
        print(f"  sure of {share:.2f} of {kind}, right {hits:.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--taxonomy", type=Path, default=ROOT / "sources.yaml")
    parser.add_argument("--check", action="store_true")
    chosen = parser.parse_args()
    people = labelled(chosen.data)
    own, weak = unsorted(chosen.data)
    examples = people + own + weak
    terms_known = vocabulary(examples)
    centres = np.array([load_embeddings().embed(texts).mean(axis=0) for texts in zip(*[(e.item.title, e.item.abstract)
                        for e in examples], strict=True)])  # fmt: skip
    papers = numbers(examples, [e.item for e in examples], terms_known, centres)
    short = numbers(people, [TagInput(e.item.title) for e in people], terms_known, centres)
    print(f"{len(people)} labelled, {len(own)} own, {len(weak)} weak, {len(terms_known)} terms", flush=True)
    full, bare = held_out(examples, papers, short, len(terms_known))
    report(people, full, "held-out lists, with abstract")
    report(people, bare, "held-out lists, title alone")
    if not chosen.check:
        linear = learn(papers, importance(examples, papers.wanted), len(terms_known))
        curves = (curve(people, full), curve(people, bare))
        known = meanings(chosen.taxonomy, centres[0])
        weights = TaggerWeights(SLUGS, terms_known, linear.matrix, linear.near, linear.bias, known, centres, curves)
        (DATA / WEIGHTS_FILE).write_bytes(pack_weights(weights))
        (DATA / TAUGHT).write_bytes(pack_training_set(taught(chosen.data)))


def numbers(examples: Sequence[Example], items: Sequence[TagInput], terms_known: Vocabulary, centres: Floats) -> Papers:
    split = terms_known.split_inputs(items)
    return Papers(terms_known.vectorise(split), embed_inputs(split, centres), targets(examples))


def meanings(taxonomy: Path, middle: Floats) -> Floats:
    """Vectors of the default categories' descriptions: who changes one means another category."""
    described = {c["slug"]: c["description"] for c in yaml.safe_load(taxonomy.read_text())["taxonomy"]["categories"]}
    apart = load_embeddings().embed([described[slug] for slug in SLUGS]) - middle
    unit: Floats = apart / np.linalg.norm(apart, axis=1, keepdims=True)
    return unit


if __name__ == "__main__":
    main()
