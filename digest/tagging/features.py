"""Features of a title and an abstract: sparse words and word pairs, and static vectors.

The training script uses the same code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digest.embeddings import load_embeddings
from digest.protocols import TagInput
from digest.sparse import SparseMatrix
from digest.tagging.chunks import Floats, Ints, SplitTexts, TextSplitter

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


@dataclass(frozen=True, slots=True)
class SplitInputs:
    """The titles and the abstracts of inputs, split."""

    titles: SplitTexts
    abstracts: SplitTexts

    @property
    def count(self) -> int:
        return len(self.titles.sums)

    def embed_texts(self) -> Floats:
        """Return the unit vectors of each title and abstract as one text, `title. abstract`."""
        embeddings = load_embeddings()
        stop = embeddings.sum_pieces(embeddings.split_into_pieces("."))
        return normalise_rows(self.titles.sums + stop + self.abstracts.sums)


class Vocabulary:
    """The terms that have weights: those of titles, then those of abstracts. A pair is `left right`."""

    def __init__(self, title: Sequence[str], abstract: Sequence[str], rarity: Floats) -> None:
        self.title, self.abstract = tuple(title), tuple(abstract)
        self.rarity = rarity  # inverse document frequency of each column
        self._title = _FieldColumns(title, 0)
        self._abstract = _FieldColumns(abstract, len(title))
        self._splitter = TextSplitter(load_embeddings())

    def __len__(self) -> int:
        return len(self.rarity)

    def split_inputs(self, inputs: Sequence[TagInput]) -> SplitInputs:
        """Split titles and abstracts, once for terms and vectors; the numbers of words hold until the next call."""
        if self._splitter.is_full:
            self._splitter = TextSplitter(load_embeddings())
            self._title.forget_words()
            self._abstract.forget_words()
        titles = self._splitter.split([item.title for item in inputs])
        return SplitInputs(titles, self._splitter.split([item.abstract for item in inputs], MAX_ABSTRACT_WORDS))

    def vectorise(self, split: SplitInputs) -> SparseMatrix:
        """Return each input as damped term counts weighted by rarity; title and abstract have unit length each."""
        word_list = self._splitter.word_list
        fields = ((self._title, split.titles), (self._abstract, split.abstracts))
        parts = [columns.find_keys(texts, word_list) for columns, texts in fields]
        keys = np.concatenate([rows * len(self) + columns for rows, columns in parts])
        return self._weigh_terms(keys, split.count)

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
    """The columns of one field's terms: words, tails of coined names and word pairs.

    `Qwen2.5-7B models` has qwen#, #b and model.
    """

    def __init__(self, vocabulary: Sequence[str], first: int) -> None:
        self._single_columns = {term: column for column, term in enumerate(vocabulary, start=first) if " " not in term}
        pairs = [(term.split(" "), column) for column, term in enumerate(vocabulary, start=first) if " " in term]
        self._pair_words = {word: n for n, word in enumerate(sorted({w for pair, _ in pairs for w in pair}), start=1)}
        self._step = len(self._pair_words) + 1
        keyed = sorted((self._pair_words[a] * self._step + self._pair_words[b], column) for (a, b), column in pairs)
        # A last key that no pair has, so that a search never ends behind the array.
        self._pair_keys = np.array([*(key for key, _ in keyed), self._step**2], dtype=np.int64)
        self._pair_columns = np.array([*(column for _, column in keyed), -1], dtype=np.int64)
        self.forget_words()

    def forget_words(self) -> None:
        """Forget the numbers of words."""
        # By number of a word: the columns of the word and of its tail, or -1, and its number in pairs, or 0.
        self._table = np.zeros((0, 3), dtype=np.int64)

    def find_keys(self, split: SplitTexts, word_list: Sequence[str]) -> tuple[Ints, Ints]:
        """Return the rows and columns of all terms, in any order."""
        if len(word_list) > len(self._table):
            added = [self._look_up(word) for word in word_list[len(self._table) :]]
            self._table = np.concatenate([self._table, np.array(added, dtype=np.int64)])
        entries = self._table[split.numbers]
        same_text = split.rows[1:] == split.rows[:-1]
        left, right = entries[:-1, 2], entries[1:, 2]
        keys = np.where(same_text & (left > 0) & (right > 0), left * self._step + right, 0)
        places = np.searchsorted(self._pair_keys, keys)
        pairs = np.where(self._pair_keys[places] == keys, self._pair_columns[places], -1)
        rows = np.concatenate([split.rows, split.rows, split.rows[1:]])
        columns = np.concatenate([entries[:, 0], entries[:, 1], pairs])
        return rows[columns >= 0], columns[columns >= 0]

    def _look_up(self, word: str) -> tuple[int, int, int]:
        folded, tail = _split_tail(word)
        single = self._single_columns
        return single.get(folded, -1), single.get(tail, -1), self._pair_words.get(folded, 0)


def embed_inputs(split: SplitInputs, centres: Floats) -> Floats:
    """Return the vectors of titles and abstracts side by side, each centred by `centres` (2, width), of unit length.

    A missing abstract gives zeros.
    """
    parts = (split.titles.sums, split.abstracts.sums)
    return np.concatenate([centre_rows(part, centre) for part, centre in zip(parts, centres, strict=True)], axis=1)


def centre_rows(sums: Floats, centre: Floats) -> Floats:
    """Return the unit vectors of texts less a centre, of unit length; zeros for a text without pieces."""
    unit = normalise_rows(sums)
    return normalise_rows(np.where(unit.any(axis=1, keepdims=True), unit - centre, 0).astype(np.float32))


def normalise_rows(rows: Floats) -> Floats:
    """Scale rows to length 1; zeros stay."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = (rows / np.where(norms == 0, 1, norms)).astype(np.float32)
    return unit
