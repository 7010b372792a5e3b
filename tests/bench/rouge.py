"""ROUGE-N as F1 over lower-case alphanumeric tokens, without stemming."""

from __future__ import annotations

import re
from collections import Counter


def rouge(n: int, text: str, reference: str) -> float:
    """Overlap of word n-grams, 0..1."""
    ours, theirs = _grams(n, text), _grams(n, reference)
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total()) if shared else 0.0


def _grams(n: int, text: str) -> Counter[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))
