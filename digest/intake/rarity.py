"""How telling a word is: the fewer papers use it, the more two records that share it have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

UNKNOWN = 12.0  # bits: fewer than 30 of 95,476 papers
_FIGURE = 6.0
_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?")


def words_of(folded_text: str) -> list[str]:
    """Runs of letters, and figures with their decimals, of folded text."""
    return _WORD.findall(folded_text)


def rarity(word: str) -> float:
    """Bits of surprise in meeting this word in a paper's title or abstract, 0 to 12."""
    return _table()[word]


def bits(words: Iterable[str]) -> float:
    """The sum of the words' rarities."""
    return sum(map(_table().__getitem__, words))


class _Table(dict[str, float]):
    """Words to bits; a word that is not here is rare, and a figure the rarer the longer it is."""

    def __missing__(self, word: str) -> float:
        return min(UNKNOWN, _FIGURE + len(word) - 1) if word[0].isdigit() else UNKNOWN


@lru_cache(maxsize=1)
def _table() -> _Table:
    text = (resources.files("digest") / "data" / "word_rarity.txt").read_text(encoding="utf-8")
    lines = [line.split(" ") for line in text.splitlines() if not line.startswith("#")]
    return _Table({word: float(level) for level, *words in lines for word in words})
