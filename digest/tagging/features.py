"""A title and an abstract as numbers: words and word pairs, sparse, and static vectors. Training uses the same code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digest.ports import TagInput
from digest.vectors import vectors

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_DIGITS = re.compile(r"[0-9.]+")
# Coined names tell by their tails what they are: LongBench, GraphRAG, CodeAgent, EHRSQL.
_TAIL = re.compile(r".+?(bench|rag|agent|sql|eval|gpt|coder|llm|vla|vlm|mllm|former|diffusion|guard|judge|attack|vqa)$")
ABSTRACT_WORDS = 400  # beyond them an abstract is a body


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of numbered values: row i has columns[starts[i]:starts[i + 1]], and values likewise."""

    starts: Ints
    columns: Ints
    values: Floats

    @property
    def rows(self) -> int:
        return len(self.starts) - 1

    def times(self, weights: Floats) -> Floats:
        """The product with a matrix of shape (columns, classes)."""
        out = np.zeros((self.rows, weights.shape[1]), dtype=np.float32)
        filled = np.flatnonzero(np.diff(self.starts))
        if len(filled):
            products = weights[self.columns] * self.values[:, None]
            out[filled] = np.add.reduceat(products, self.starts[filled], axis=0)
        return out


_folded: dict[str, tuple[str, str]] = {}  # word -> its singular with digits folded, and the tail of a coined name


def _fold(word: str) -> tuple[str, str]:
    folded = _DIGITS.sub("#", word)
    if len(folded) > 3 and folded.endswith("s") and not folded.endswith(("ss", "us", "is")):
        folded = folded[:-1]
    tail = _TAIL.match(folded)
    pair = folded, f"*{tail[1]}" if tail else ""
    if len(_folded) < 200_000:
        _folded[word] = pair
    return pair


def terms(text: str, limit: int | None = None) -> Iterator[str | tuple[str, str]]:
    """The words of a text, tails of coined names, and pairs of neighbours: `Qwen2.5-7B models` has qwen#, #b, model."""
    known = _folded
    last = ""
    for word in _WORD.findall(text.lower())[:limit]:
        folded, tail = known.get(word) or _fold(word)
        yield folded
        yield last, folded
        if tail:
            yield tail
        last = folded


class Vocabulary:
    """Numbers the terms the weights know: those of titles first, then those of abstracts. A pair is `left right`."""

    def __init__(self, title: Sequence[str], abstract: Sequence[str], rarity: Floats) -> None:
        self.title, self.abstract = tuple(title), tuple(abstract)
        self.rarity = rarity  # inverse document frequency of each column
        self._title = {_key(term): number for number, term in enumerate(title)}
        self._abstract = {_key(term): number for number, term in enumerate(abstract, start=len(title))}

    def __len__(self) -> int:
        return len(self.rarity)

    def rows(self, inputs: Sequence[TagInput]) -> Sparse:
        """Each input as damped term counts weighted by rarity; title and abstract have unit length each."""
        keys: list[int] = []
        width = len(self)
        in_title, in_abstract = self._title.get, self._abstract.get
        for number, item in enumerate(inputs):
            base = number * width
            keys += [base + c for t in terms(item.title) if (c := in_title(t)) is not None]
            if item.abstract:
                keys += [base + c for t in terms(item.abstract, ABSTRACT_WORDS) if (c := in_abstract(t)) is not None]
        return self._weighted(np.array(keys, dtype=np.int64), len(inputs))

    def _weighted(self, keys: Ints, count: int) -> Sparse:
        distinct, times = np.unique(keys, return_counts=True)
        row, column = np.divmod(distinct, max(len(self), 1))
        values = ((1 + np.log(times)) * self.rarity[column]).astype(np.float32)
        field = row * 2 + (column >= len(self.title))
        length = np.sqrt(np.bincount(field, values * values, minlength=2 * count))
        values = (values / length[field]).astype(np.float32)
        starts = np.searchsorted(row, np.arange(count + 1))
        return Sparse(starts.astype(np.int64), column, values)


def _key(term: str) -> str | tuple[str, str]:
    left, _, right = term.partition(" ")
    return (left, right) if right else term


def near(inputs: Sequence[TagInput], centres: Floats) -> Floats:
    """What titles and abstracts mean: their vectors side by side, each off its centre (2, width) and of unit length.

    Zeros stand for an abstract that is not there.
    """
    parts = (vectors().embed([i.title for i in inputs]), vectors().embed([i.abstract for i in inputs]))
    sides: Floats = np.concatenate([_apart(part, centre) for part, centre in zip(parts, centres, strict=True)], axis=1)
    return sides


def _apart(raw: Floats, centre: Floats) -> Floats:
    apart = np.where(raw.any(axis=1, keepdims=True), raw - centre, 0)
    norms = np.linalg.norm(apart, axis=1, keepdims=True)
    unit: Floats = (apart / np.where(norms == 0, 1, norms)).astype(np.float32)
    return unit
