"""Preselect the partners of a few records among many stored ones, of which only title keys and vectors are known.

The texts of the many are not read: a shared rare title word or a near vector brings nearly every pair that the whole
comparison would find, and the search index brings those that share a name or a link.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from digest.ingest.matching import find_nearest
from digest.ingest.matching.terms import measure_rarity

if TYPE_CHECKING:
    from digest.embeddings import Matrix

_RARE_WORDS, _WORD_CAP, _MAX_NEIGHBOURS = 5, 60, 10  # more than a whole comparison, which reads texts too


def find_partners(title_keys: Sequence[str], vectors: Matrix, focus: Sequence[int]) -> set[tuple[int, int]]:
    """Return pairs of positions of which one at least is in `focus`, each with the smaller position first."""
    pairs = set(find_nearest(vectors, focus, _MAX_NEIGHBOURS))
    for block, position in _find_word_blocks(title_keys, focus):
        pairs.update((min(position, other), max(position, other)) for other in block if other != position)
    return pairs


def _find_word_blocks(title_keys: Sequence[str], focus: Sequence[int]) -> Iterator[tuple[list[int], int]]:
    """Yield the positions that have one of the rarest shared title words of a focused one, and that one."""
    title_words = [set(key.split()) for key in title_keys]
    counts = Counter(word for title in title_words for word in title)
    rarest = {position: _choose_rarest(title_words[position], counts) for position in focus}
    wanted = {word for chosen in rarest.values() for word in chosen}
    blocks: dict[str, list[int]] = defaultdict(list)
    for position, title in enumerate(title_words):
        for word in title & wanted:
            blocks[word].append(position)
    yield from ((blocks[word], position) for position, chosen in rarest.items() for word in chosen)


def _choose_rarest(title: set[str], counts: Counter[str]) -> list[str]:
    shared = [word for word in title if 1 < counts[word] <= _WORD_CAP and len(word) > 1]
    return sorted(shared, key=lambda word: (counts[word], -measure_rarity(word), word))[:_RARE_WORDS]
