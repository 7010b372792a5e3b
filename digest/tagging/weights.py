"""The shipped weights of the default categories: how they are stored, and the scores they give."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np

from digest.ports import TagInput
from digest.tagging.familiar import DomainDetector
from digest.tagging.features import Floats, Vocabulary, embed_inputs

WEIGHTS_FILE = "tagging.npz"


@dataclass(frozen=True)
class TaggerWeights:
    """A linear model over a vocabulary and static vectors.

    `matrix` is (terms, categories), `near` (title's and abstract's vector, categories), `meanings` the vectors of the
    categories' descriptions, `centres` the mean vectors of titles and of abstracts.

    `curve` says how often a verdict of a given raw probability was right on lists held out whole: rows of (raw, right),
    both rising, the first for titles with an abstract, the second for titles alone.
    """

    slugs: tuple[str, ...]
    vocabulary: Vocabulary
    term_weights: Floats
    vector_weights: Floats
    bias: Floats
    description_vectors: Floats
    centres: Floats
    calibration_curves: tuple[Floats, Floats]

    @property
    def mean_title_vector(self) -> Floats:
        """The mean vector of titles, taken off before vectors are compared."""
        middle: Floats = self.centres[0]
        return middle

    @cached_property
    def domain_detector(self) -> DomainDetector:
        """Whether texts are of the world these weights were learned in."""
        return DomainDetector(self.vocabulary)

    def compute_scores(self, inputs: Sequence[TagInput]) -> Floats:
        """Log-odds of the categories, shape (inputs, categories)."""
        words = self.vocabulary.vectorise(inputs).multiply_matrix(self.term_weights)
        scores: Floats = words + embed_inputs(inputs, self.centres) @ self.vector_weights + self.bias
        return scores

    def to_bytes(self) -> bytes:
        """The weights as a compressed file: each category's column as signed bytes with a scale."""
        scale = np.abs(self.term_weights).max(axis=0) / 127
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            slugs=_pack_names(self.slugs),
            title=_pack_names(self.vocabulary.title),
            abstract=_pack_names(self.vocabulary.abstract),
            rarity=self.vocabulary.rarity.astype(np.float16),
            matrix=np.round(self.term_weights / scale).astype(np.int8),
            scale=scale,
            near=self.vector_weights.astype(np.float16),
            bias=self.bias,
            meanings=self.description_vectors.astype(np.float16),
            centres=self.centres,
            full=self.calibration_curves[0],
            short=self.calibration_curves[1],
        )
        return buffer.getvalue()


def parse_tagger_weights(data: bytes) -> TaggerWeights:
    """The weights of a packed file."""
    with np.load(io.BytesIO(data), allow_pickle=False) as parts:
        title, abstract = _unpack_names(parts["title"]), _unpack_names(parts["abstract"])
        return TaggerWeights(
            slugs=_unpack_names(parts["slugs"]),
            vocabulary=Vocabulary(title, abstract, parts["rarity"].astype(np.float32)),
            term_weights=(parts["matrix"].astype(np.float32) * parts["scale"]).astype(np.float32),
            vector_weights=parts["near"].astype(np.float32),
            bias=parts["bias"],
            description_vectors=parts["meanings"].astype(np.float32),
            centres=parts["centres"],
            calibration_curves=(parts["full"], parts["short"]),
        )


@lru_cache(maxsize=1)
def load_shipped_weights() -> TaggerWeights:
    """The packaged weights, read once per process."""
    return parse_tagger_weights((resources.files("digest") / "data" / WEIGHTS_FILE).read_bytes())


def _pack_names(names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.frombuffer("\n".join(names).encode(), dtype=np.uint8)


def _unpack_names(data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> tuple[str, ...]:
    return tuple(data.tobytes().decode().split("\n"))
