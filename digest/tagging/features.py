"""A title and an abstract as numbers: words and word pairs, sparse, and static vectors. Training uses the same code."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from digest.embeddings import load_embeddings
from digest.protocols import TagInput
from digest.sparse import SparseMatrix

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_DIGITS = re.compile(r"[0-9.]+")
# Coined names tell by their tails what they are: LongBench, GraphRAG, CodeAgent, EHRSQL.
_TAIL = re.compile(r".+?(bench|rag|agent|sql|eval|gpt|coder|llm|vla|vlm|mllm|former|diffusion|guard|judge|attack|vqa)$")
MAX_ABSTRACT_WORDS = 400  # beyond them an abstract is a body


_fold_cache: dict[str, tuple[str, str]] = {}  # word -> its singular with digits folded, and the tail of a coined name


def _split_tail(word: str) -> tuple[str, str]:
    folded = _DIGITS.sub("#", word)
    if len(folded) > 3 and folded.endswith("s") and not folded.endswith(("ss", "us", "is")):
        folded = folded[:-1]
    tail = _TAIL.match(folded)
    pair = folded, f"*{tail[1]}" if tail else ""
    if len(_fold_cache) < 200_000:
        _fold_cache[word] = pair
    return pair


def singularise_word(word: str) -> str:
    """A word of lower case as the vocabulary has it: singular, figures as #."""
    return (_fold_cache.get(word) or _split_tail(word))[0]


def extract_terms(text: str, limit: int | None = None) -> Iterator[str | tuple[str, str]]:
    """The words of a text, tails of coined names, and pairs of neighbours: `Qwen2.5-7B models` has qwen#, #b, model."""
    known = _fold_cache
    last = ""
    for word in _WORD.findall(text.lower())[:limit]:
        folded, tail = known.get(word) or _split_tail(word)
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
        self._title = _FieldColumns(title, 0)
        self._abstract = _FieldColumns(abstract, len(title))

    def __len__(self) -> int:
        return len(self.rarity)

    def vectorise(self, inputs: Sequence[TagInput]) -> SparseMatrix:
        """Each input as damped term counts weighted by rarity; title and abstract have unit length each."""
        keys: list[int] = []
        width = len(self)
        for number, item in enumerate(inputs):
            base = number * width
            keys += [base + c for c in self._title.find_columns(item.title)]
            if item.abstract:
                keys += [base + c for c in self._abstract.find_columns(item.abstract, MAX_ABSTRACT_WORDS)]
        return self._weigh_terms(np.array(keys, dtype=np.int64), len(inputs))

    def compute_word_bits(self) -> dict[str, float]:
        """The words of titles and of abstracts, each with the bits of surprise of meeting it in one."""
        bits = ((self.rarity - 1) / math.log(2)).tolist()
        pairs = zip((*self.title, *self.abstract), bits, strict=True)
        return {word: value for word, value in pairs if " " not in word}

    def _weigh_terms(self, keys: Ints, count: int) -> SparseMatrix:
        distinct, times = np.unique(keys, return_counts=True)
        row, column = np.divmod(distinct, max(len(self), 1))
        values = ((1 + np.log(times)) * self.rarity[column]).astype(np.float32)
        field = row * 2 + (column >= len(self.title))
        length = np.sqrt(np.bincount(field, values * values, minlength=2 * count))
        values = (values / length[field]).astype(np.float32)
        starts = np.searchsorted(row, np.arange(count + 1))
        return SparseMatrix(starts.astype(np.int64), column, values)


class _FieldColumns:
    """The columns of one field's terms. Each word is looked up once and then known by number: 11,000 papers are two
    million words."""

    def __init__(self, vocabulary: Sequence[str], first: int) -> None:
        self._single_columns = {term: column for column, term in enumerate(vocabulary, start=first) if " " not in term}
        pairs = [(term.split(" "), column) for column, term in enumerate(vocabulary, start=first) if " " in term]
        self._word_numbers = {word: n for n, word in enumerate(sorted({w for pair, _ in pairs for w in pair}), start=1)}
        self._step = len(self._word_numbers) + 1
        self._pair_columns = {
            self._word_numbers[a] * self._step + self._word_numbers[b]: column for (a, b), column in pairs
        }
        self._word_cache: dict[str, tuple[int, tuple[int, ...]]] = {}

    def find_columns(self, text: str, limit: int | None = None) -> list[int]:
        """The columns of the terms of a text; see `terms`."""
        found: list[int] = []
        known, pair, step = self._word_cache, self._pair_columns, self._step
        last = 0
        for word in _WORD.findall(text.lower())[:limit]:
            number, columns = known.get(word) or self._look_up(word)
            found += columns
            if last and number and (column := pair.get(last * step + number)) is not None:
                found.append(column)
            last = number
        return found

    def _look_up(self, word: str) -> tuple[int, tuple[int, ...]]:
        folded, tail = _split_tail(word)
        columns = tuple(self._single_columns[term] for term in (folded, tail) if term in self._single_columns)
        known = self._word_numbers.get(folded, 0), columns
        if len(self._word_cache) < 200_000:
            self._word_cache[word] = known
        return known


def embed_inputs(inputs: Sequence[TagInput], centres: Floats) -> Floats:
    """What titles and abstracts mean: their vectors side by side, each off its centre (2, width) and of unit length.

    Zeros stand for an abstract that is not there.
    """
    parts = (load_embeddings().embed([i.title for i in inputs]), load_embeddings().embed([i.abstract for i in inputs]))
    sides: Floats = np.concatenate(
        [_centre_rows(part, centre) for part, centre in zip(parts, centres, strict=True)], axis=1
    )
    return sides


def _centre_rows(raw: Floats, centre: Floats) -> Floats:
    apart = np.where(raw.any(axis=1, keepdims=True), raw - centre, 0)
    return normalise_rows(apart)


def normalise_rows(rows: Floats) -> Floats:
    """The rows at length 1; zeros stay."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    even: Floats = (rows / np.where(norms == 0, 1, norms)).astype(np.float32)
    return even
