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

from digest.ingest.matching.classifier import FLAG_PROBABILITY, classify_pair
from digest.ingest.matching.features import RecordFeatures
from digest.ingest.matching.terms import measure_rarity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_NAME_CAP, _WORD_CAP, _RARE_WORDS = 60, 25, 3
_MAX_NEIGHBOURS, _MIN_COSINE = 4, 0.6
_MAX_CELLS = 20_000_000  # of a table of likenesses held at once: 80 MB
_EMBEDDED_TEXT_CAP = 2000


@dataclass(frozen=True, slots=True)
class PossiblePair:
    """Two records, by position, that may be one work."""

    left: int
    right: int
    probability: float
    reason: str


@dataclass(frozen=True, slots=True)
class MatchResult:
    """`groups[i]` is the number of record i's work; `possible` are pairs of records of different groups, best first."""

    groups: list[int]
    possible_pairs: list[PossiblePair]


def match_records(
    records: Sequence[RecordFeatures], *, new_positions: frozenset[int] | None = None, vectors: Matrix | None = None
) -> MatchResult:
    """Group records that are certainly one work and list the pairs that may be.

    With `new`, only pairs with at least one record of that set are judged: the others were judged before. `vectors` are
    the records' unit vectors, row by row, where they are known already.
    """
    vectors = _embed_records(records) if vectors is None else vectors
    joined, possible = _UnionFind(records), []
    for one, other in sorted(_find_candidate_pairs(records, vectors, new_positions)):
        judged = classify_pair(records[one], records[other], float(vectors[one] @ vectors[other]))
        if judged.should_merge and joined.join(one, other):
            continue
        if judged.probability >= FLAG_PROBABILITY:
            possible.append(PossiblePair(one, other, round(judged.probability, 3), judged.reason))
    groups = joined.groups()
    apart = [pair for pair in possible if groups[pair.left] != groups[pair.right]]
    return MatchResult(groups, sorted(apart, key=lambda pair: (-pair.probability, pair.left, pair.right)))


class _UnionFind:
    """Groups that never hold two arXiv ids."""

    def __init__(self, records: Sequence[RecordFeatures]) -> None:
        self._parent = list(range(len(records)))
        self._arxiv = [record.arxiv_id for record in records]

    def find_root(self, number: int) -> int:
        while self._parent[number] != number:
            self._parent[number] = self._parent[self._parent[number]]
            number = self._parent[number]
        return number

    def join(self, left: int, right: int) -> bool:
        first, second = sorted((self.find_root(left), self.find_root(right)))
        ids = {self._arxiv[first], self._arxiv[second]} - {None}
        if len(ids) > 1:
            return False
        self._parent[second] = first
        self._arxiv[first] = next(iter(ids), None)
        return True

    def groups(self) -> list[int]:
        return [self.find_root(number) for number in range(len(self._parent))]


def _embed_records(records: Sequence[RecordFeatures]) -> Matrix:
    from digest.embeddings import load_embeddings

    return load_embeddings().embed([f"{record.title}. {record.text[:_EMBEDDED_TEXT_CAP]}" for record in records])


def _find_candidate_pairs(
    records: Sequence[RecordFeatures], vectors: Matrix, new_positions: frozenset[int] | None
) -> set[tuple[int, int]]:
    """The pairs worth judging, each with the smaller position first."""
    pairs: set[tuple[int, int]] = set()
    for block in _build_blocks(records):
        pairs.update(combinations(sorted(set(block)), 2))
    pairs.update(_find_nearest(vectors, sorted(new_positions) if new_positions is not None else range(len(records))))
    return (
        pairs
        if new_positions is None
        else {pair for pair in pairs if pair[0] in new_positions or pair[1] in new_positions}
    )


def _build_blocks(records: Sequence[RecordFeatures]) -> Iterator[list[int]]:
    """Lists of positions that share something telling."""
    keys, names, words = defaultdict(list), defaultdict(list), defaultdict(list)
    counts = Counter(word for record in records for word in set(record.title_key.split()))
    for number, record in enumerate(records):
        for key in ({record.key} if record.key else set()) | record.referenced_keys:
            keys[key].append(number)
        for name in {record.name, record.full_name, record.tail_name, *record.coined_names}:
            if len(name) > 2:
                names[name].append(number)
        for word in _find_rarest_words(record, counts):
            words[word].append(number)
    yield from _pair_neighbours(keys.values())
    yield from (block for block in names.values() if 1 < len(block) <= _NAME_CAP)
    yield from (block for block in words.values() if 1 < len(block) <= _WORD_CAP)


def _pair_neighbours(blocks: Iterable[list[int]]) -> Iterator[list[int]]:
    """Neighbours in a list are enough to join all of it, however long."""
    for block in blocks:
        yield from ([one, other] for one, other in pairwise(block))


def _find_rarest_words(record: RecordFeatures, counts: Counter[str]) -> list[str]:
    shared = [word for word in set(record.title_key.split()) if counts[word] > 1 and len(word) > 1]
    return sorted(shared, key=lambda word: (counts[word], -measure_rarity(word), word))[:_RARE_WORDS]


def _find_nearest(vectors: Matrix, positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The records at `places`, each with its nearest ones by vector, where these are near at all."""
    import numpy as np

    count = min(_MAX_NEIGHBOURS, len(vectors) - 1)
    rows_at_once = max(_MAX_CELLS // max(len(vectors), 1), 1)
    for start in range(0, len(positions) if count > 0 else 0, rows_at_once):
        chosen = np.asarray(positions[start : start + rows_at_once])
        near = vectors[chosen] @ vectors.T
        rows = np.arange(len(near))
        near[rows, chosen] = -1
        best = np.argpartition(near, -count, axis=1)[:, -count:]
        for row, column in np.argwhere(near[rows[:, None], best] >= _MIN_COSINE):
            one, other = int(chosen[row]), int(best[row, column])
            yield (one, other) if one < other else (other, one)
