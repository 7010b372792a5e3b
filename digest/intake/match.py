"""Which records are one work? Groups that are certain, and pairs that a person should look at.

Only likely pairs are judged: those that share a key, a link, a name in title or text, or one of their rarest title
words, and nearest neighbours by vector, so that ten thousand records take seconds.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from digest.intake.profile import Record
from digest.intake.rarity import rarity
from digest.intake.verdict import FLAG, verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_NAME_CAP, _WORD_CAP, _RARE_WORDS = 60, 25, 3
_NEIGHBOURS, _NEAR = 4, 0.6
_CELLS = 20_000_000  # of a table of likenesses held at once: 80 MB
_TEXT_CAP = 2000


@dataclass(frozen=True, slots=True)
class Possible:
    """Two records, by position, that may be one work."""

    one: int
    other: int
    chance: float
    reason: str


@dataclass(frozen=True, slots=True)
class Matching:
    """`groups[i]` is the number of record i's work; `possible` are pairs of records of different groups, best first."""

    groups: list[int]
    possible: list[Possible]


def match(records: Sequence[Record], *, new: frozenset[int] | None = None, vectors: Matrix | None = None) -> Matching:
    """Group records that are certainly one work and list the pairs that may be.

    With `new`, only pairs with at least one record of that set are judged: the others were judged before. `vectors` are
    the records' unit vectors, row by row, where they are known already.
    """
    vectors = _embedded(records) if vectors is None else vectors
    joined, possible = _Union(records), []
    for one, other in sorted(_candidates(records, vectors, new)):
        judged = verdict(records[one], records[other], float(vectors[one] @ vectors[other]))
        if judged.certain and joined.join(one, other):
            continue
        if judged.chance >= FLAG:
            possible.append(Possible(one, other, round(judged.chance, 3), judged.reason))
    groups = joined.groups()
    apart = [pair for pair in possible if groups[pair.one] != groups[pair.other]]
    return Matching(groups, sorted(apart, key=lambda pair: (-pair.chance, pair.one, pair.other)))


class _Union:
    """Groups that never hold two arXiv ids."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._parent = list(range(len(records)))
        self._arxiv = [record.arxiv for record in records]

    def root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, one: int, other: int) -> bool:
        first, second = sorted((self.root(one), self.root(other)))
        ids = {self._arxiv[first], self._arxiv[second]} - {None}
        if len(ids) > 1:
            return False
        self._parent[second] = first
        self._arxiv[first] = next(iter(ids), None)
        return True

    def groups(self) -> list[int]:
        return [self.root(number) for number in range(len(self._parent))]


def _embedded(records: Sequence[Record]) -> Matrix:
    from digest.vectors import vectors

    return vectors().embed([f"{record.title}. {record.text[:_TEXT_CAP]}" for record in records])


def _candidates(records: Sequence[Record], vectors: Matrix, new: frozenset[int] | None) -> set[tuple[int, int]]:
    """The pairs worth judging, each with the smaller position first."""
    pairs: set[tuple[int, int]] = set()
    for block in _blocks(records):
        pairs.update(combinations(sorted(set(block)), 2))
    pairs.update(_neighbours(vectors, sorted(new) if new is not None else range(len(records))))
    return pairs if new is None else {pair for pair in pairs if pair[0] in new or pair[1] in new}


def _blocks(records: Sequence[Record]) -> Iterator[list[int]]:
    """Lists of positions that share something telling."""
    keys, names, words = defaultdict(list), defaultdict(list), defaultdict(list)
    counts = Counter(word for record in records for word in set(record.title_key.split()))
    for number, record in enumerate(records):
        for key in ({record.key} if record.key else set()) | record.named:
            keys[key].append(number)
        for name in {record.name, record.whole_name, record.tail_name, *record.coined}:
            if len(name) > 2:
                names[name].append(number)
        for word in _rarest(record, counts):
            words[word].append(number)
    yield from _chains(keys.values())
    yield from (block for block in names.values() if 1 < len(block) <= _NAME_CAP)
    yield from (block for block in words.values() if 1 < len(block) <= _WORD_CAP)


def _chains(blocks: Iterable[list[int]]) -> Iterator[list[int]]:
    """Neighbours in a list are enough to join all of it, however long."""
    for block in blocks:
        yield from ([one, other] for one, other in pairwise(block))


def _rarest(record: Record, counts: Counter[str]) -> list[str]:
    shared = [word for word in set(record.title_key.split()) if counts[word] > 1 and len(word) > 1]
    return sorted(shared, key=lambda word: (counts[word], -rarity(word), word))[:_RARE_WORDS]


def _neighbours(vectors: Matrix, places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The records at `places`, each with its nearest ones by vector, where these are near at all."""
    import numpy as np

    count = min(_NEIGHBOURS, len(vectors) - 1)
    rows_at_once = max(_CELLS // max(len(vectors), 1), 1)
    for start in range(0, len(places) if count > 0 else 0, rows_at_once):
        chosen = np.asarray(places[start : start + rows_at_once])
        near = vectors[chosen] @ vectors.T
        rows = np.arange(len(near))
        near[rows, chosen] = -1
        best = np.argpartition(near, -count, axis=1)[:, -count:]
        for row, column in np.argwhere(near[rows[:, None], best] >= _NEAR):
            one, other = int(chosen[row]), int(best[row, column])
            yield (one, other) if one < other else (other, one)
