"""How like a category of the owner's a text is, which is known by a description and a few titles only.

Both are read as their telling words: `large language model` is in half of all papers and makes nothing alike, `statute`
does. A word weighs the more the fewer papers have it, as the tagger's vocabulary knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from digest.config.schema import Category
from digest.ports import TagInput
from digest.tagging.familiar import UNKNOWN_WORD_BITS, is_everyday_word
from digest.tagging.features import Floats, Vocabulary, normalise_rows, singularise_word
from digest.vectors import EMBEDDING_DIMENSIONS, fold_word, load_embeddings

_WORD = re.compile(r"[a-z][a-z0-9]+")
_MAX_ABSTRACT_CHARACTERS = 2000  # characters of an abstract that are read
_MAX_WORDS = 60_000  # kept: rare words beyond them are passed over, which bounds memory
_HALF_WEIGHT_BITS = 5.0  # bits: a word of one paper in 32 weighs half as much as a rare one
_MIN_SHARED_BITS = 3.0  # bits below which a word in common says nothing
_TITLE_MEAN_LENGTH, _ABSTRACT_MEAN_LENGTH = 0.47, 0.9  # how long the mean of titles' unit vectors is, and of abstracts'
_SIMILARITY_PER_BIT, _MAX_SHARED_BITS = 0.025, 20.0  # likeness a bit in common adds, and the bits that count


class OwnCategoryMatcher:
    """Categories of the owner's and the words they are known by."""

    def __init__(self, categories: Sequence[Category], vocabulary: Vocabulary) -> None:
        self._word_bits = vocabulary.compute_word_bits()
        self._rows: dict[str, int] = {}
        self._vectors: list[Floats] = [
            np.zeros(EMBEDDING_DIMENSIONS, dtype=np.float32)
        ]  # the first is of words passed over
        self._bits: list[float] = [0.0]
        self._mean_direction = self._compute_mean_direction()
        self._categories = [self._read_category(category) for category in categories]

    def compute_similarity(self, inputs: Sequence[TagInput]) -> Floats:
        """About 0.2 of the unlike to 1, shape (inputs, categories)."""
        titles = [self._word_rows(item.title) for item in inputs]
        bodies = [self._word_rows(item.abstract[:_MAX_ABSTRACT_CHARACTERS]) for item in inputs]
        near = normalise_rows(
            self._embed_texts(titles, _TITLE_MEAN_LENGTH) + self._embed_texts(bodies, _ABSTRACT_MEAN_LENGTH)
        )
        found = np.zeros((len(inputs), len(self._categories)), dtype=np.float32)
        for number, (meanings, telling) in enumerate(self._categories):
            alike = near @ meanings.T
            shared = [_count_shared_bits(telling, title, body) for title, body in zip(titles, bodies, strict=True)]
            found[:, number] = (alike[:, 1:].max(axis=1) + alike[:, 0]) / 2 + _SIMILARITY_PER_BIT * np.array(shared)
        return found

    def _read_category(self, category: Category) -> tuple[Floats, dict[int, float]]:
        """The mean of what its texts mean and each of them, and its telling words with their bits."""
        texts = [self._word_rows(text) for text in (f"{category.title}. {category.description}", *category.exemplars)]
        meanings = self._embed_texts(texts, _TITLE_MEAN_LENGTH)
        telling = {
            row: self._bits[row] - _MIN_SHARED_BITS
            for text in texts
            for row in text
            if self._bits[row] > _MIN_SHARED_BITS
        }
        return np.concatenate([normalise_rows(meanings.mean(axis=0, keepdims=True)), meanings]), telling

    def _word_rows(self, text: str) -> dict[int, None]:
        """The numbers of a text's distinct words, in order."""
        known = self._rows
        return dict.fromkeys(
            known[word] if word in known else self._add_word(word) for word in _WORD.findall(fold_word(text))
        )

    def _add_word(self, word: str) -> int:
        folded = singularise_word(word)
        if folded not in self._rows:
            learned = self._word_bits.get(folded)
            if learned is None and len(self._bits) >= _MAX_WORDS:
                return 0
            pieces = load_embeddings().embed([folded])[0]
            bits = (0.0 if is_everyday_word(word) else UNKNOWN_WORD_BITS) if learned is None else learned
            self._rows[folded] = len(self._bits)
            self._bits.append(bits)
            self._vectors.append(pieces * _word_weight(bits))
        self._rows[word] = self._rows[folded]
        return self._rows[word]

    def _embed_texts(self, texts: Sequence[dict[int, None]], mean_length: float) -> Floats:
        """Unit vectors of texts, off what texts of their kind have in common; zeros for a text without words."""
        sums = np.zeros((len(texts), EMBEDDING_DIMENSIONS), dtype=np.float32)
        for number, text in enumerate(texts):
            if text:
                sums[number] = np.sum([self._vectors[row] for row in text], axis=0)
        apart = np.where(sums.any(axis=1, keepdims=True), normalise_rows(sums) - mean_length * self._mean_direction, 0)
        return normalise_rows(apart.astype(np.float32))

    def _compute_mean_direction(self) -> Floats:
        """Which way the papers point that the vocabulary was learned from: the mean of their words."""
        words = list(self._word_bits)
        share = 2.0 ** -np.array([self._word_bits[word] for word in words])
        mean = (share * _word_weight(-np.log2(share))) @ load_embeddings().embed(words)
        one: Floats = normalise_rows(mean[None].astype(np.float32))[0]
        return one


def _word_weight(bits: Any) -> Any:
    """What a word of so many bits counts."""
    return 1 / (1 + 2 ** (_HALF_WEIGHT_BITS - bits))


def _count_shared_bits(distinctive: dict[int, float], title: dict[int, None], body: dict[int, None]) -> float:
    """Bits of the words in common, those of the title in full and those of the abstract by half."""
    bits = (
        sum(distinctive[row] for row in title if row in distinctive)
        + sum(distinctive[row] for row in body if row in distinctive) / 2
    )
    return min(bits, _MAX_SHARED_BITS)
