"""Split texts into word pieces and terms in one pass.

No word and no piece crosses white space, so what is between two spaces is split once and kept: of two million words of
a month, one in twenty is new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from digest.embeddings import EMBEDDING_DIMENSIONS, EmbeddingTable

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_PUNCTUATION = frozenset(".,;:!?)")
_MAX_CHUNKS = 150_000
_PIECES, _WORDS = itemgetter(0), itemgetter(1)


@dataclass(frozen=True, slots=True)
class SplitTexts:
    """Texts as the sums of their pieces' vectors, shape (texts, 128), and their words: text `row` has word `number`."""

    sums: Floats
    rows: Ints
    numbers: Ints


class TextSplitter:
    """A cache of chunks, which are texts without white space, with their pieces and the numbers of their words."""

    def __init__(self, embeddings: EmbeddingTable) -> None:
        self._embeddings = embeddings
        self.word_list: list[str] = []  # lower-case words by number
        self._word_numbers: dict[str, int] = {}
        self._chunks = _ChunkCache(self)

    @property
    def is_full(self) -> bool:
        """Whether another splitter should go on, which bounds memory."""
        return len(self._chunks) > _MAX_CHUNKS

    def split(self, texts: Sequence[str], max_words: int | None = None) -> SplitTexts:
        """Split texts, of which only the first `max_words` words are kept; their vectors are of the whole text."""
        sums = np.zeros((len(texts), EMBEDDING_DIMENSIONS), dtype=np.float32)
        numbers: list[int] = []
        counts = []
        for row, text in enumerate(texts):
            entries = list(map(self._chunks.__getitem__, text.lower().split()))
            if pieces := list(chain.from_iterable(map(_PIECES, entries))):
                sums[row] = self._embeddings.sum_pieces(pieces)
            word_numbers = list(chain.from_iterable(map(_WORDS, entries)))[:max_words]
            numbers += word_numbers
            counts.append(len(word_numbers))
        rows = np.repeat(np.arange(len(texts)), counts)
        return SplitTexts(sums, rows, np.array(numbers, dtype=np.int64))

    def split_chunk(self, chunk: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the pieces of a chunk and the numbers of its words."""
        if len(chunk) > 1 and chunk[-1] in _PUNCTUATION:  # ends the word before it, and is a piece of its own
            pieces, word_numbers = self._chunks[chunk[:-1]]
            return pieces + self._chunks[chunk[-1]][0], word_numbers
        pieces = tuple(self._embeddings.split_into_pieces(chunk))
        return pieces, tuple(self._number_word(word) for word in WORD.findall(chunk))

    def _number_word(self, word: str) -> int:
        if word not in self._word_numbers:
            self._word_numbers[word] = len(self.word_list)
            self.word_list.append(word)
        return self._word_numbers[word]


class _ChunkCache(dict[str, tuple[tuple[int, ...], tuple[int, ...]]]):
    def __init__(self, splitter: TextSplitter) -> None:
        self._splitter = splitter

    def __missing__(self, chunk: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        entry = self[chunk] = self._splitter.split_chunk(chunk)
        return entry
