"""Whether a text is of the trained categories' world at all: who knows eight drawers only puts a recipe in one, too.

Papers about AI are written in words that are rarer elsewhere. How common a word is elsewhere is told by its place in
the word pieces' list, which goes from frequent to rare; how common in papers, by the tagger's own vocabulary.
"""

from __future__ import annotations

import math
import re

from digest.ports import TagInput
from digest.tagging.features import Vocabulary, singularise_word
from digest.vectors import fold_word, load_embeddings

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
