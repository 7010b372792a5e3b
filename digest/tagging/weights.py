"""The shipped weights of the default categories: how they are stored, and the scores they give."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np

from digest.ports import TagInput
from digest.tagging.familiar import Familiarity
from digest.tagging.features import Floats, Vocabulary, near

FILE = "tagging.npz"


@dataclass(frozen=True)
class Weights:
    """A linear model over a vocabulary and static vectors.

    `matrix` is (terms, categories), `near` (title's and abstract's vector, categories), `meanings` the vectors of the
    categories' descriptions, `centres` the mean vectors of titles and of abstracts.

    `curve` says how often a verdict of a given raw probability was right on lists held out whole: rows of (raw, right),
    both rising, the first for titles with an abstract, the second for titles alone.
    """

    slugs: tuple[str, ...]
    vocabulary: Vocabulary
    matrix: Floats
    near: Floats
    bias: Floats
    meanings: Floats
    centres: Floats
    curve: tuple[Floats, Floats]

    @property
    def middle(self) -> Floats:
        """The mean vector of titles, taken off before vectors are compared."""
        middle: Floats = self.centres[0]
        return middle

    @cached_property
    def familiarity(self) -> Familiarity:
        """Whether texts are of the world these weights were learned in."""
        return Familiarity(self.vocabulary)

    def scores(self, inputs: Sequence[TagInput]) -> Floats:
        """Log-odds of the categories, shape (inputs, categories)."""
        words = self.vocabulary.rows(inputs).times(self.matrix)
        scores: Floats = words + near(inputs, self.centres) @ self.near + self.bias
        return scores

    def pack(self) -> bytes:
        """The weights as a compressed file: each category's column as signed bytes with a scale."""
        scale = np.abs(self.matrix).max(axis=0) / 127
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            slugs=_packed(self.slugs),
            title=_packed(self.vocabulary.title),
            abstract=_packed(self.vocabulary.abstract),
            rarity=self.vocabulary.rarity.astype(np.float16),
            matrix=np.round(self.matrix / scale).astype(np.int8),
            scale=scale,
            near=self.near.astype(np.float16),
            bias=self.bias,
            meanings=self.meanings.astype(np.float16),
            centres=self.centres,
            full=self.curve[0],
            short=self.curve[1],
        )
        return buffer.getvalue()


def unpack(data: bytes) -> Weights:
    """The weights of a packed file."""
    with np.load(io.BytesIO(data), allow_pickle=False) as parts:
        title, abstract = _unpacked(parts["title"]), _unpacked(parts["abstract"])
        return Weights(
            slugs=_unpacked(parts["slugs"]),
            vocabulary=Vocabulary(title, abstract, parts["rarity"].astype(np.float32)),
            matrix=(parts["matrix"].astype(np.float32) * parts["scale"]).astype(np.float32),
            near=parts["near"].astype(np.float32),
            bias=parts["bias"],
            meanings=parts["meanings"].astype(np.float32),
            centres=parts["centres"],
            curve=(parts["full"], parts["short"]),
        )


@lru_cache(maxsize=1)
def shipped() -> Weights:
    """The packaged weights, read once per process."""
    return unpack((resources.files("digest") / "data" / FILE).read_bytes())


def _packed(names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def _unpacked(data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> tuple[str, ...]:
    return tuple(data.tobytes().decode().split("\n"))
