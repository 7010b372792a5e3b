"""Whether a text is of the trained categories' world at all: who knows eight drawers only puts a recipe in one, too.

Papers about AI are written in words that are rarer elsewhere. How common a word is elsewhere is told by its place in
the word pieces' list, which goes from frequent to rare; how common in papers, by the tagger's own vocabulary.
"""

from __future__ import annotations

import math
import re

from digest.ports import TagInput
from digest.tagging.features import Vocabulary, fold
from digest.vectors import plain, vectors

_WORD = re.compile(r"[a-z]{2,}|[^\W\d_a-z]")
_FIRST_WORDS = 1996  # the list's characters and signs come before its words
_COMMON = 200  # words after that which any text has: they say nothing
UNLEARNED = 11.5  # bits: in fewer than 12 of the papers learned from
_EVEN = 4.2  # bits by which a word of a text from either world is likelier in papers
_MOST, _LEAST = 3.8, -7.2
_STRANGE = -1.0  # a word neither list has, and a letter of another script
_DOUBT = 8.0  # bits in favour before a word is read: what the sources bring is mostly theirs
_SURE = 12.0  # bits beyond which reading on changes nothing
_BODY = 600  # characters of the abstract that are read when the title leaves it open
# News about AI is told in everybody's words; but it says what it is about.
_TOLD = frozenset(
    [
        "ai", "agi", "llm", "llms", "gpt", "chatgpt", "claude", "gemini", "gemma", "llama", "qwen", "mistral",
        "deepseek", "grok", "copilot", "openai", "anthropic", "deepmind", "huggingface", "nvidia", "chatbot",
        "chatbots", "mcp", "robot", "robots", "robotics", "embedding", "embeddings", "gpu", "gpus", "transformer",
        "transformers", "agentic", "agent", "agents", "neural", "qubit", "qubits", "quantum", "ki"
    ]
)  # fmt: skip


class Familiarity:
    """How likely texts are to be of the world the vocabulary was learned in."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._frequent = vocabulary.frequent()
        self._bits: dict[str, float | None] = {}

    def chance(self, item: TagInput) -> float:
        """0 to 1; 0 of a text without a single readable word, 1 of nearly every paper."""
        told, known = self._read(item.title)
        if told < _SURE and item.abstract:
            more, also = self._read(f"{item.title} {item.abstract[:_BODY]}")
            told, known = more, known or also
        return 1 / (1 + math.exp(-0.5 * max(-60.0, min(60.0, told)))) if known else 0.0

    def _read(self, text: str) -> tuple[float, bool]:
        """Bits for the world of papers, and whether any word was readable; a word counts once."""
        found = [self._of(word) for word in dict.fromkeys(_WORD.findall(plain(text)))]
        known = [bits for bits in found if bits is not None]
        return _DOUBT + sum(known) + _STRANGE * (len(found) - len(known)), bool(known)

    def _of(self, word: str) -> float | None:
        if word not in self._bits and len(self._bits) < 200_000:
            self._bits[word] = self._weigh(word)
        return self._bits.get(word)

    def _weigh(self, word: str) -> float | None:
        if word in _TOLD:
            return _SURE
        place, learned = vectors().place(word), self._frequent.get(fold(word))
        if not word.isascii() or (place is None and learned is None):
            return None
        if everyday(word):
            return 0.0
        elsewhere = 14.9 if place is None else math.log2(max(place - _FIRST_WORDS, 1))
        return max(_LEAST, min(_MOST, elsewhere - (UNLEARNED if learned is None else learned) - _EVEN))


def everyday(word: str) -> bool:
    """Whether any text has this word: it says nothing."""
    place = vectors().place(word)
    return place is not None and place < _FIRST_WORDS + _COMMON
