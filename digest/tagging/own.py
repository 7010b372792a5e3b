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
from digest.tagging.familiar import UNLEARNED, everyday
from digest.tagging.features import Floats, Vocabulary, fold, unit
from digest.vectors import DIMENSIONS, plain, vectors

_WORD = re.compile(r"[a-z][a-z0-9]+")
_BODY = 2000  # characters of an abstract that are read
_MOST_WORDS = 60_000  # kept: rare words beyond them are passed over, which bounds memory
_COMMON = 5.0  # bits: a word of one paper in 32 weighs half as much as a rare one
_PLAIN = 3.0  # bits below which a word in common says nothing
_TITLES, _BODIES = 0.47, 0.9  # how long the mean of titles' unit vectors is, and of abstracts'
_SHARED, _MOST_SHARED = 0.025, 20.0  # likeness a bit in common adds, and the bits that count


class OwnWords:
    """Categories of the owner's and the words they are known by."""

    def __init__(self, categories: Sequence[Category], vocabulary: Vocabulary) -> None:
        self._frequent = vocabulary.frequent()
        self._rows: dict[str, int] = {}
        self._vectors: list[Floats] = [np.zeros(DIMENSIONS, dtype=np.float32)]  # the first is of words passed over
        self._bits: list[float] = [0.0]
        self._usual = self._mean_word()
        self._known = [self._category(category) for category in categories]

    def likeness(self, inputs: Sequence[TagInput]) -> Floats:
        """About 0.2 of the unlike to 1, shape (inputs, categories)."""
        titles = [self._words(item.title) for item in inputs]
        bodies = [self._words(item.abstract[:_BODY]) for item in inputs]
        near = unit(self._meanings(titles, _TITLES) + self._meanings(bodies, _BODIES))
        found = np.zeros((len(inputs), len(self._known)), dtype=np.float32)
        for number, (meanings, telling) in enumerate(self._known):
            alike = near @ meanings.T
            shared = [_shared(telling, title, body) for title, body in zip(titles, bodies, strict=True)]
            found[:, number] = (alike[:, 1:].max(axis=1) + alike[:, 0]) / 2 + _SHARED * np.array(shared)
        return found

    def _category(self, category: Category) -> tuple[Floats, dict[int, float]]:
        """The mean of what its texts mean and each of them, and its telling words with their bits."""
        texts = [self._words(text) for text in (f"{category.title}. {category.description}", *category.exemplars)]
        meanings = self._meanings(texts, _TITLES)
        telling = {row: self._bits[row] - _PLAIN for text in texts for row in text if self._bits[row] > _PLAIN}
        return np.concatenate([unit(meanings.mean(axis=0, keepdims=True)), meanings]), telling

    def _words(self, text: str) -> dict[int, None]:
        """The numbers of a text's distinct words, in order."""
        known = self._rows
        return dict.fromkeys(known[word] if word in known else self._learn(word) for word in _WORD.findall(plain(text)))

    def _learn(self, word: str) -> int:
        folded = fold(word)
        if folded not in self._rows:
            learned = self._frequent.get(folded)
            if learned is None and len(self._bits) >= _MOST_WORDS:
                return 0
            pieces = vectors().embed([folded])[0]
            bits = (0.0 if everyday(word) else UNLEARNED) if learned is None else learned
            self._rows[folded] = len(self._bits)
            self._bits.append(bits)
            self._vectors.append(pieces * _weight(bits))
        self._rows[word] = self._rows[folded]
        return self._rows[word]

    def _meanings(self, texts: Sequence[dict[int, None]], usual: float) -> Floats:
        """Unit vectors of texts, off what texts of their kind have in common; zeros for a text without words."""
        sums = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for number, text in enumerate(texts):
            if text:
                sums[number] = np.sum([self._vectors[row] for row in text], axis=0)
        apart = np.where(sums.any(axis=1, keepdims=True), unit(sums) - usual * self._usual, 0)
        return unit(apart.astype(np.float32))

    def _mean_word(self) -> Floats:
        """Which way the papers point that the vocabulary was learned from: the mean of their words."""
        words = list(self._frequent)
        share = 2.0 ** -np.array([self._frequent[word] for word in words])
        mean = (share * _weight(-np.log2(share))) @ vectors().embed(words)
        one: Floats = unit(mean[None].astype(np.float32))[0]
        return one


def _weight(bits: Any) -> Any:
    """What a word of so many bits counts."""
    return 1 / (1 + 2 ** (_COMMON - bits))


def _shared(telling: dict[int, float], title: dict[int, None], body: dict[int, None]) -> float:
    """Bits of the words in common, those of the title in full and those of the abstract by half."""
    bits = (
        sum(telling[row] for row in title if row in telling) + sum(telling[row] for row in body if row in telling) / 2
    )
    return min(bits, _MOST_SHARED)
