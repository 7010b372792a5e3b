"""Expand the terms of titles, find the names that texts introduce, and measure how rare words are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

# Terms that a field expands in one place and abbreviates in the next.
_ABBREVIATIONS = {
    "cot": "chain of thought",
    "dllm": "diffusion large language model",
    "fl": "federated learning",
    "gnn": "graph neural network",
    "icl": "in context learning",
    "kg": "knowledge graph",
    "llm": "large language model",
    "lm": "language model",
    "lrm": "large reasoning model",
    "mas": "multi agent system",
    "ml": "machine learning",
    "mllm": "multimodal large language model",
    "moe": "mixture of expert",
    "nlp": "natural language processing",
    "plm": "pretrained language model",
    "prm": "process reward model",
    "qa": "question answering",
    "rag": "retrieval augmented generation",
    "rl": "reinforcement learning",
    "rlhf": "reinforcement learning from human feedback",
    "rlvr": "reinforcement learning with verifiable reward",
    "sft": "supervised fine tuning",
    "slm": "small language model",
    "vla": "vision language action",
    "vlm": "vision language model",
    "vqa": "visual question answering",
}
_EXPANSIONS = {word: tuple(term.split()) for word, term in _ABBREVIATIONS.items()}
_PLURAL = re.compile(r"[a-z]{2,}[^aius\W\d_]s")
_TEX_MARKUP = re.compile(r"\\[a-z]+\s*\{?|[{}$^\\*_\"'“”‘’]")
_NAME_WORD = r"(?!(?:We|Our|This|These|It|In|The|A|An)\b)[^\W\d_]{0,30}[A-Z\d][\w+]{0,40}(?:[-.][\w+]{1,40}){0,6}"
_NAME = rf"{_NAME_WORD}(?:[ -](?:[A-Z\d][\w.+-]{{0,30}})){{0,3}}"
_INTRODUCTION = (
    r"\b(?:introduc|present|propos|releas|unveil|announc|develop|launch|describ|contribut)\w*"
    r"|\b(?:call|term|dubb|nam|known|method|approach|system|model|framework|benchmark|agent)(?:ed|d)?\b,?|\bnamely"
)
_FILLER = r"(?:a|an|the|our|new|novel|simple|first|model|method|framework|system|benchmark|named|called|as)"
_PREDICATE = (
    r"(?:is|are|an?|the|our|uses?|enables?|learns?|trains?|extends?|combines?|turns?|treats?|makes?|shows?"
    r"|introduces?|proposes?)"
)
_COINED_PATTERNS = (
    re.compile(rf"(?:{_INTRODUCTION})(?:\s+{_FILLER}){{0,3}}\s+({_NAME})"),
    re.compile(rf"^\s*({_NAME})(?:\s*\([^()]*\))?,?\s+{_PREDICATE}\b"),
    re.compile(rf"(?:{_INTRODUCTION})[^.()]{{3,80}}\(({_NAME})\)"),
)


def expand_token(token: str) -> tuple[str, ...]:
    """Return the words of a folded token: its singular, or the term that it abbreviates."""
    if _PLURAL.fullmatch(token):
        token = token[:-1]
    return _EXPANSIONS.get(token, (token,))


def find_coined_names(text: str) -> list[str]:
    """Find the names that a text introduces: `we present X`, `X is a`, `we present a new kind (X)`."""
    plain = _TEX_MARKUP.sub("", text)
    return [name.rstrip(".-") for pattern in _COINED_PATTERNS for name in pattern.findall(plain) if name]


UNKNOWN_BITS = 12.0  # for words of fewer than 30 of 95,476 papers
_FIGURE_BITS = 6.0
_WORD_OR_FIGURE = re.compile(r"[a-z]+|\d+(?:\.\d+)?")


def split_words(folded_text: str) -> list[str]:
    """Split folded text into runs of letters, and figures with their decimals."""
    return _WORD_OR_FIGURE.findall(folded_text)


def measure_rarity(word: str) -> float:
    """Return the rarity of a word in titles and abstracts of papers, 0 to 12 bits."""
    return _load_rarity_table()[word]


def sum_rarity(tokens: Iterable[str]) -> float:
    return sum(map(_load_rarity_table().__getitem__, tokens))


class _RarityTable(dict[str, float]):
    """Bits by word; a missing word is rare, and a missing figure is the rarer the longer it is."""

    def __missing__(self, word: str) -> float:
        return min(UNKNOWN_BITS, _FIGURE_BITS + len(word) - 1) if word[0].isdigit() else UNKNOWN_BITS


@lru_cache(maxsize=1)
def _load_rarity_table() -> _RarityTable:
    text = (resources.files("digest") / "data" / "word_rarity.txt").read_text(encoding="utf-8")
    lines = [line.split(" ") for line in text.splitlines() if not line.startswith("#")]
    return _RarityTable({word: float(level) for level, *level_words in lines for word in level_words})
