"""Features of a title and an abstract: sparse words and word pairs, and static vectors.

The training script uses the same code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digest.embeddings import load_embeddings
from digest.protocols import TagInput
from digest.sparse import SparseMatrix

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_DIGITS = re.compile(r"[0-9.]+")
# The tail of a coined name says what it is: LongBench, GraphRAG, CodeAgent, EHRSQL.
_TAIL = re.compile(r".+?(bench|rag|agent|sql|eval|gpt|coder|llm|vla|vlm|mllm|former|diffusion|guard|judge|attack|vqa)$")
MAX_ABSTRACT_WORDS = 400  # a longer abstract is the body of a text
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
    """Return a lower-case word as the vocabulary has it: singular, figures as #."""
    return (_fold_cache.get(word) or _split_tail(word))[0]


class Vocabulary:
    """The terms that have weights: those of titles, then those of abstracts. A pair is `left right`."""

    def __init__(self, title: Sequence[str], abstract: Sequence[str], rarity: Floats) -> None:
        self.title, self.abstract = tuple(title), tuple(abstract)
        self.rarity = rarity  # inverse document frequency of each column
        self._title = _FieldColumns(title, 0)
        self._abstract = _FieldColumns(abstract, len(title))

    def __len__(self) -> int:
        return len(self.rarity)

    def vectorise(self, inputs: Sequence[TagInput]) -> SparseMatrix:
        """Return each input as damped term counts weighted by rarity; title and abstract have unit length each."""
        keys: list[int] = []
        width = len(self)
        for number, item in enumerate(inputs):
            base = number * width
            keys += [base + c for c in self._title.find_columns(item.title)]
            if item.abstract:
                keys += [base + c for c in self._abstract.find_columns(item.abstract, MAX_ABSTRACT_WORDS)]
        return self._weigh_terms(np.array(keys, dtype=np.int64), len(inputs))

    def compute_word_bits(self) -> dict[str, float]:
        """Return each word of titles and abstracts with its surprisal in bits."""
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
    """The columns of one field's terms, with a cache of words: 11,000 papers are two million words."""

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
        """Return the columns of a text's words, tails of coined names and word pairs.

        `Qwen2.5-7B models` has qwen#, #b and model.
        """
        result: list[int] = []
        cache, pair, step = self._word_cache, self._pair_columns, self._step
        last = 0
        for word in _WORD.findall(text.lower())[:limit]:
            number, columns = cache.get(word) or self._look_up(word)
            result += columns
            if last and number and (column := pair.get(last * step + number)) is not None:
                result.append(column)
            last = number
        return result

    def _look_up(self, word: str) -> tuple[int, tuple[int, ...]]:
        folded, tail = _split_tail(word)
        columns = tuple(self._single_columns[term] for term in (folded, tail) if term in self._single_columns)
        entry = self._word_numbers.get(folded, 0), columns
        if len(self._word_cache) < 200_000:
            self._word_cache[word] = entry
        return entry


def embed_inputs(inputs: Sequence[TagInput], centres: Floats) -> Floats:
    """Return the vectors of titles and abstracts side by side, each centred by `centres` (2, width), of unit length.

    A missing abstract gives zeros.
    """
    parts = (load_embeddings().embed([i.title for i in inputs]), load_embeddings().embed([i.abstract for i in inputs]))
    centred = [
        normalise_rows(np.where(part.any(axis=1, keepdims=True), part - centre, 0))
        for part, centre in zip(parts, centres, strict=True)
    ]
    return np.concatenate(centred, axis=1)


def normalise_rows(rows: Floats) -> Floats:
    """Scale rows to length 1; zeros stay."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = (rows / np.where(norms == 0, 1, norms)).astype(np.float32)
    return unit
