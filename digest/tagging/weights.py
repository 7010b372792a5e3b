"""Shipped weights of the default categories, the papers they were trained on, and out-of-domain detection.

The detector decides whether a text belongs to any trained category. Papers about AI use words that are rarer elsewhere.
How common a word is elsewhere shows in its rank in the word-piece list, which is ordered by frequency; how common it is
in papers, in the tagger's own vocabulary.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from zlib import crc32

import numpy as np

from digest.embeddings import fold_word, load_embeddings
from digest.protocols import TagInput
from digest.tagging.chunks import Floats
from digest.tagging.features import SplitInputs, Vocabulary, embed_inputs, singularise_word

TRAINING_SET_FILE = "tagging-taught.npy"
WEIGHTS_FILE = "tagging.npz"
_WORD = re.compile(r"[a-z]{2,}|[^\W\d_a-z]")
_FIRST_WORD_INDEX = 1996  # the list's characters and signs come before its words
_COMMON_WORDS = 200  # the next words, which any text has
UNKNOWN_WORD_BITS = 11.5  # of a word in fewer than 12 of the training papers
_NEUTRAL_BITS = 4.2  # by which a word of any text is likelier in papers
_MAX_WORD_BITS, _MIN_WORD_BITS = 3.8, -7.2
_UNREADABLE_BITS = -1.0  # of a word in neither list, and of a letter of another script
_PRIOR_BITS = 8.0  # before any word: most items of the sources are in the domain
_CERTAIN_BITS = 12.0  # beyond which the abstract is not read
_MAX_ABSTRACT_CHARACTERS = 600
# News about AI uses everyday words, but names its subject.
_DOMAIN_WORDS = frozenset(
    [
        "ai", "agi", "llm", "llms", "gpt", "chatgpt", "claude", "gemini", "gemma", "llama", "qwen", "mistral",
        "deepseek", "grok", "copilot", "openai", "anthropic", "deepmind", "huggingface", "nvidia", "chatbot",
        "chatbots", "mcp", "robot", "robots", "robotics", "embedding", "embeddings", "gpu", "gpus", "transformer",
        "transformers", "agentic", "agent", "agents", "neural", "qubit", "qubits", "quantum", "ki"
    ]
)  # fmt: skip


class DomainDetector:
    """Detector of texts outside the domain that the vocabulary was learned in."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._learned_bits = vocabulary.compute_word_bits()
        self._bits_cache: dict[str, float | None] = {}

    def compute_probability(self, item: TagInput) -> float:
        """Return the probability that a text is in the domain; 0 without any readable word."""
        bits, is_readable = self._score_text(item.title)
        if bits < _CERTAIN_BITS and item.abstract:
            bits, has_more = self._score_text(f"{item.title} {item.abstract[:_MAX_ABSTRACT_CHARACTERS]}")
            is_readable = is_readable or has_more
        return 1 / (1 + math.exp(-0.5 * max(-60.0, min(60.0, bits)))) if is_readable else 0.0

    def _score_text(self, text: str) -> tuple[float, bool]:
        """Return the bits in favour of the domain, and whether any word was readable; a word counts once."""
        bits = [self._word_bits(word) for word in dict.fromkeys(_WORD.findall(fold_word(text)))]
        readable = [value for value in bits if value is not None]
        return _PRIOR_BITS + sum(readable) + _UNREADABLE_BITS * (len(bits) - len(readable)), bool(readable)

    def _word_bits(self, word: str) -> float | None:
        if word not in self._bits_cache and len(self._bits_cache) < 200_000:
            self._bits_cache[word] = self._compute_word_bits(word)
        return self._bits_cache.get(word)

    def _compute_word_bits(self, word: str) -> float | None:
        if word in _DOMAIN_WORDS:
            return _CERTAIN_BITS
        rank, in_papers = load_embeddings().get_frequency_rank(word), self._learned_bits.get(singularise_word(word))
        if not word.isascii() or (rank is None and in_papers is None):
            return None
        if is_everyday_word(word):
            return 0.0
        elsewhere = 14.9 if rank is None else math.log2(max(rank - _FIRST_WORD_INDEX, 1))
        bits = elsewhere - (UNKNOWN_WORD_BITS if in_papers is None else in_papers) - _NEUTRAL_BITS
        return max(_MIN_WORD_BITS, min(_MAX_WORD_BITS, bits))


def is_everyday_word(word: str) -> bool:
    """Return whether any text may have this word, so that it says nothing."""
    rank = load_embeddings().get_frequency_rank(word)
    return rank is not None and rank < _FIRST_WORD_INDEX + _COMMON_WORDS


@dataclass(frozen=True)
class TaggerWeights:
    """A linear model over a vocabulary and static vectors.

    `term_weights` is (terms, categories), `vector_weights` (title's and abstract's vector, categories); `centres` are
    the mean vectors of titles and of abstracts. `calibration_curves` map a raw probability to the share that was right
    on held-out lists: rows of (raw, right), both rising, the first for titles with an abstract, the second without.
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
        """The mean vector of titles, subtracted before vectors are compared."""
        mean: Floats = self.centres[0]
        return mean

    @cached_property
    def domain_detector(self) -> DomainDetector:
        return DomainDetector(self.vocabulary)

    def compute_scores(self, split: SplitInputs) -> Floats:
        """Return the log-odds of the categories, shape (inputs, categories)."""
        term_scores = self.vocabulary.vectorise(split).multiply_matrix(self.term_weights)
        scores: Floats = term_scores + embed_inputs(split, self.centres) @ self.vector_weights + self.bias
        return scores


def parse_tagger_weights(data: bytes) -> TaggerWeights:
    """Parse the file that the training script writes (tests/bench/train_tagger.py)."""
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
    """Load the packaged weights, once per process."""
    return parse_tagger_weights((resources.files("digest") / "data" / WEIGHTS_FILE).read_bytes())


def _unpack_names(data: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> tuple[str, ...]:
    return tuple(data.tobytes().decode().split("\n"))


def count_training_papers(keys: Iterable[str]) -> int:
    """Count the papers, by arXiv id, that the tagger was trained on."""
    checksums = _load_training_set()
    return sum(crc32(key.encode(errors="replace")) in checksums for key in keys)


@lru_cache(1)
def _load_training_set() -> frozenset[int]:
    data = (resources.files("digest") / "data" / TRAINING_SET_FILE).read_bytes()
    return frozenset(np.load(io.BytesIO(data)).tolist())
