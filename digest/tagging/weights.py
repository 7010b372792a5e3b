"""Shipped weights, what they were trained on, out-of-domain test.

Whether a text is of the trained categories' world at all: who knows eight drawers only puts a recipe in one, too.

Papers about AI are written in words that are rarer elsewhere. How common a word is elsewhere is told by its place in
the word pieces' list, which goes from frequent to rare; how common in papers, by the tagger's own vocabulary.

The papers that the shipped weights were taught: figures on those say nothing of new ones.

The shipped weights of the default categories: how they are stored, and the scores they give.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from zlib import crc32

import numpy as np

from digest.embeddings import fold_word, load_embeddings
from digest.protocols import TagInput
from digest.tagging.features import Floats, Vocabulary, embed_inputs, singularise_word

TRAINING_SET_FILE = "tagging-taught.npy"


def count_training_papers(keys: Iterable[str]) -> int:
    """How many of the papers, by arXiv id, people's labels taught the tagger."""
    known = _load_training_set()
    return sum(crc32(key.encode(errors="replace")) in known for key in keys)


def pack_training_set(keys: Iterable[str]) -> bytes:
    """The file of those papers: sorted checksums, four bytes a paper."""
    buffer = io.BytesIO()
    np.save(buffer, np.array(sorted({crc32(key.encode()) for key in keys}), dtype=np.uint32))
    return buffer.getvalue()


@lru_cache(1)
def _load_training_set() -> frozenset[int]:
    data = (resources.files("digest") / "data" / TRAINING_SET_FILE).read_bytes()
    return frozenset(np.load(io.BytesIO(data)).tolist())


_WORD = re.compile(r"[a-z]{2,}|[^\W\d_a-z]")
_FIRST_WORD_INDEX = 1996  # the list's characters and signs come before its words
_COMMON_WORDS = 200  # words after that which any text has: they say nothing
UNKNOWN_WORD_BITS = 11.5  # bits: in fewer than 12 of the papers learned from
_NEUTRAL_BITS = 4.2  # bits by which a word of a text from either world is likelier in papers
_MAX_WORD_BITS, _MIN_WORD_BITS = 3.8, -7.2
_UNREADABLE_BITS = -1.0  # a word neither list has, and a letter of another script
_PRIOR_BITS = 8.0  # bits in favour before a word is read: what the sources bring is mostly theirs
_CERTAIN_BITS = 12.0  # bits beyond which reading on changes nothing
_MAX_ABSTRACT_CHARACTERS = 600  # characters of the abstract that are read when the title leaves it open
# News about AI is told in everybody's words; but it says what it is about.
_DOMAIN_WORDS = frozenset(
    [
        "ai", "agi", "llm", "llms", "gpt", "chatgpt", "claude", "gemini", "gemma", "llama", "qwen", "mistral",
        "deepseek", "grok", "copilot", "openai", "anthropic", "deepmind", "huggingface", "nvidia", "chatbot",
        "chatbots", "mcp", "robot", "robots", "robotics", "embedding", "embeddings", "gpu", "gpus", "transformer",
        "transformers", "agentic", "agent", "agents", "neural", "qubit", "qubits", "quantum", "ki"
    ]
)  # fmt: skip


class DomainDetector:
    """How likely texts are to be of the world the vocabulary was learned in."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._learned_bits = vocabulary.compute_word_bits()
        self._bits_cache: dict[str, float | None] = {}

    def compute_probability(self, item: TagInput) -> float:
        """0 to 1; 0 of a text without a single readable word, 1 of nearly every paper."""
        told, known = self._score_text(item.title)
        if told < _CERTAIN_BITS and item.abstract:
            more, also = self._score_text(f"{item.title} {item.abstract[:_MAX_ABSTRACT_CHARACTERS]}")
            told, known = more, known or also
        return 1 / (1 + math.exp(-0.5 * max(-60.0, min(60.0, told)))) if known else 0.0

    def _score_text(self, text: str) -> tuple[float, bool]:
        """Bits for the world of papers, and whether any word was readable; a word counts once."""
        found = [self._word_bits(word) for word in dict.fromkeys(_WORD.findall(fold_word(text)))]
        known = [bits for bits in found if bits is not None]
        return _PRIOR_BITS + sum(known) + _UNREADABLE_BITS * (len(found) - len(known)), bool(known)

    def _word_bits(self, word: str) -> float | None:
        if word not in self._bits_cache and len(self._bits_cache) < 200_000:
            self._bits_cache[word] = self._compute_word_bits(word)
        return self._bits_cache.get(word)

    def _compute_word_bits(self, word: str) -> float | None:
        if word in _DOMAIN_WORDS:
            return _CERTAIN_BITS
        place, learned = load_embeddings().get_frequency_rank(word), self._learned_bits.get(singularise_word(word))
        if not word.isascii() or (place is None and learned is None):
            return None
        if is_everyday_word(word):
            return 0.0
        elsewhere = 14.9 if place is None else math.log2(max(place - _FIRST_WORD_INDEX, 1))
        return max(
            _MIN_WORD_BITS,
            min(_MAX_WORD_BITS, elsewhere - (UNKNOWN_WORD_BITS if learned is None else learned) - _NEUTRAL_BITS),
        )


def is_everyday_word(word: str) -> bool:
    """Whether any text has this word: it says nothing."""
    place = load_embeddings().get_frequency_rank(word)
    return place is not None and place < _FIRST_WORD_INDEX + _COMMON_WORDS


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
