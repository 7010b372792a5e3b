"""How telling a word is: the fewer papers use it, the more two records that share it have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

UNKNOWN_BITS = 12.0  # bits: fewer than 30 of 95,476 papers
_FIGURE_BITS = 6.0
_WORD_OR_FIGURE = re.compile(r"[a-z]+|\d+(?:\.\d+)?")


def split_words(folded_text: str) -> list[str]:
    """Runs of letters, and figures with their decimals, of folded text."""
    return _WORD_OR_FIGURE.findall(folded_text)


def measure_rarity(word: str) -> float:
    """Bits of surprise in meeting this word in a paper's title or abstract, 0 to 12."""
    return _load_rarity_table()[word]


def sum_rarity(words: Iterable[str]) -> float:
    """The sum of the words' rarities."""
    return sum(map(_load_rarity_table().__getitem__, words))


class _RarityTable(dict[str, float]):
    """Words to bits; a word that is not here is rare, and a figure the rarer the longer it is."""

    def __missing__(self, word: str) -> float:
        return min(UNKNOWN_BITS, _FIGURE_BITS + len(word) - 1) if word[0].isdigit() else UNKNOWN_BITS


@lru_cache(maxsize=1)
def _load_rarity_table() -> _RarityTable:
    text = (resources.files("digest") / "data" / "word_rarity.txt").read_text(encoding="utf-8")
    lines = [line.split(" ") for line in text.splitlines() if not line.startswith("#")]
    return _RarityTable({word: float(level) for level, *words in lines for word in words})
