"""Group records that are certainly one work, and find pairs that a person should check.

Only likely pairs are classified: those that share a key, a link, a name in title or text, or one of their rarest title
words, and nearest neighbours by vector. Ten thousand records therefore take seconds.
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
    from digest.embeddings import Matrix

_NAME_CAP, _WORD_CAP, _RARE_WORDS = 60, 25, 3
_MAX_NEIGHBOURS, _MIN_COSINE = 4, 0.6
_MAX_CELLS = 20_000_000  # of a similarity table in memory: 80 MB
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
    """`groups[i]` numbers the work of record i; the possible pairs are of different groups, best first."""

    groups: list[int]
    possible_pairs: list[PossiblePair]


def match_records(
    records: Sequence[RecordFeatures], *, new_positions: frozenset[int] | None = None, vectors: Matrix | None = None
) -> MatchResult:
    """Group records that are certainly one work and list the pairs that may be.

    With `new_positions`, only pairs with at least one of these records are classified. `vectors` are the records' unit
    vectors, row by row; by default they are computed.
    """
    if vectors is None:
        from digest.embeddings import load_embeddings

        texts = [f"{record.title}. {record.text[:_EMBEDDED_TEXT_CAP]}" for record in records]
        vectors = load_embeddings().embed(texts)
    return match_pairs(records, _find_candidate_pairs(records, vectors, new_positions), vectors)


def match_pairs(records: Sequence[RecordFeatures], pairs: Iterable[tuple[int, int]], vectors: Matrix) -> MatchResult:
    """Classify pairs of positions, each with the smaller first; group the certain ones and list the possible ones."""
    union, possible_pairs = _UnionFind(records), []
    for left, right in sorted(pairs):
        outcome = classify_pair(records[left], records[right], float(vectors[left] @ vectors[right]))
        if outcome.should_merge and union.join(left, right):
            continue
        if outcome.probability >= FLAG_PROBABILITY:
            possible_pairs.append(PossiblePair(left, right, round(outcome.probability, 3), outcome.reason))
    groups = [union.find_root(position) for position in range(len(records))]
    possible_pairs = [pair for pair in possible_pairs if groups[pair.left] != groups[pair.right]]
    return MatchResult(groups, sorted(possible_pairs, key=lambda pair: (-pair.probability, pair.left, pair.right)))


class _UnionFind:
    """Groups of records that never hold two arXiv ids."""

    def __init__(self, records: Sequence[RecordFeatures]) -> None:
        self._parent = list(range(len(records)))
        self._arxiv_ids = [record.arxiv_id for record in records]

    def find_root(self, position: int) -> int:
        while self._parent[position] != position:
            self._parent[position] = self._parent[self._parent[position]]
            position = self._parent[position]
        return position

    def join(self, left: int, right: int) -> bool:
        first, second = sorted((self.find_root(left), self.find_root(right)))
        ids = {self._arxiv_ids[first], self._arxiv_ids[second]} - {None}
        if len(ids) > 1:
            return False
        self._parent[second] = first
        self._arxiv_ids[first] = next(iter(ids), None)
        return True


def _find_candidate_pairs(
    records: Sequence[RecordFeatures], vectors: Matrix, new_positions: frozenset[int] | None
) -> set[tuple[int, int]]:
    """Find the pairs to classify, each with the smaller position first."""
    pairs = set(find_nearest(vectors, range(len(records)) if new_positions is None else sorted(new_positions)))
    for block in _build_blocks(records):
        pairs.update(combinations(sorted(set(block)), 2))
    return pairs if new_positions is None else {pair for pair in pairs if not new_positions.isdisjoint(pair)}


def _build_blocks(records: Sequence[RecordFeatures]) -> Iterator[list[int]]:
    """Yield lists of positions that share a key, a name or a rare word."""
    keys, names, rare_words = defaultdict(list), defaultdict(list), defaultdict(list)
    counts = Counter(word for record in records for word in set(record.title_key.split()))
    for position, record in enumerate(records):
        for key in ({record.key} if record.key else set()) | record.referenced_keys:
            keys[key].append(position)
        for name in {record.name, record.full_name, record.tail_name, *record.coined_names}:
            if len(name) > 2:
                names[name].append(position)
        for word in _find_rarest_words(record, counts):
            rare_words[word].append(position)
    for block in keys.values():  # pairs of neighbours are enough to join a block of any length
        yield from (list(pair) for pair in pairwise(block))
    yield from (block for block in names.values() if 1 < len(block) <= _NAME_CAP)
    yield from (block for block in rare_words.values() if 1 < len(block) <= _WORD_CAP)


def _find_rarest_words(record: RecordFeatures, counts: Counter[str]) -> list[str]:
    shared = [word for word in set(record.title_key.split()) if counts[word] > 1 and len(word) > 1]
    return sorted(shared, key=lambda word: (counts[word], -measure_rarity(word), word))[:_RARE_WORDS]


def find_nearest(vectors: Matrix, positions: Sequence[int], most: int = _MAX_NEIGHBOURS) -> Iterator[tuple[int, int]]:
    """Yield each position with its nearest neighbours by vector that pass the minimum cosine."""
    import numpy as np

    count = min(most, len(vectors) - 1)
    rows_at_once = max(_MAX_CELLS // max(len(vectors), 1), 1)
    for start in range(0, len(positions) if count > 0 else 0, rows_at_once):
        chosen = np.asarray(positions[start : start + rows_at_once])
        cosines = vectors[chosen] @ vectors.T
        rows = np.arange(len(cosines))
        cosines[rows, chosen] = -1
        best = np.argpartition(cosines, -count, axis=1)[:, -count:]
        for row, column in np.argwhere(cosines[rows[:, None], best] >= _MIN_COSINE):
            left, right = sorted((int(chosen[row]), int(best[row, column])))
            yield left, right
