"""Words of titles and abstracts as hashed, weighted counts: a sparse matrix in plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from digest.ranking.values import Candidate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digest.ranking.values import Matrix

SLOTS = 1 << 16
_APART = {ord(c): " " for c in ".,:;!?()[]{}<>\"'`/\\|$%&*=#@^~_\u2013\u2014\u2018\u2019\u201c\u201d\n\t"}
_TITLE = "t:"  # a title's words count once more, under their own slot


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of (slot, weight) pairs: row i holds the pairs `starts[i]` to `starts[i+1]`."""

    starts: NDArray[np.int64]
    slots: NDArray[np.int32]
    weights: Matrix

    def times(self, column: Matrix) -> NDArray[np.float64]:
        """The matrix times a vector of SLOTS numbers: one number a row."""
        import numpy as np

        sums = np.concatenate(([0.0], np.cumsum(self.weights * column[self.slots], dtype=np.float64)))
        out: NDArray[np.float64] = sums[self.starts[1:]] - sums[self.starts[:-1]]
        return out

    def back(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The transposed matrix times one number a row: SLOTS numbers."""
        import numpy as np

        spread = np.repeat(rows, np.diff(self.starts))
        out: NDArray[np.float64] = np.bincount(self.slots, self.weights * spread, SLOTS).astype(np.float64, copy=False)
        return out

    def row(self, number: int) -> tuple[NDArray[np.int32], Matrix]:
        """The slots and the weights of a row."""
        span = slice(self.starts[number], self.starts[number + 1])
        return self.slots[span], self.weights[span]


def slot(word: str) -> int:
    """A word's place; two words may share one."""
    return crc32(word.encode()) % SLOTS


class Hasher:
    """Turns candidates into slots; remembers the words it has met, so that a pool costs a look-up a word."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}

    def slots(self, candidate: Candidate) -> dict[int, str]:
        """The slots of a candidate's distinct words, each with the word that stands there."""
        title = candidate.title.lower().translate(_APART).split()
        words = dict.fromkeys((*title, *candidate.abstract.lower().translate(_APART).split()))
        words.update(dict.fromkeys(_TITLE + word for word in title))  # dictionaries, for an order that never varies
        known = self._slots
        out: dict[int, str] = {}
        for word in words:
            place = known.get(word)
            if place is None:
                place = known[word] = slot(word)
            out[place] = word
        return out


def shown(word: str) -> str:
    """A word as a reader sees it."""
    return f"{word.removeprefix(_TITLE)} (title)" if word.startswith(_TITLE) else word


def word_matrix(candidates: Sequence[Candidate], idf: Matrix) -> Sparse:
    """Unit rows: the inverse frequency of each distinct word."""
    import numpy as np

    hasher = Hasher()
    rows = [list(hasher.slots(candidate)) for candidate in candidates]
    lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
    starts = np.concatenate(([0], np.cumsum(lengths)))
    slots = np.fromiter((place for row in rows for place in row), dtype=np.int32, count=int(starts[-1]))
    weights = idf[slots]
    sums = np.concatenate(([0.0], np.cumsum(weights.astype(np.float64) ** 2)))
    norms = np.sqrt(sums[starts[1:]] - sums[starts[:-1]])
    return Sparse(starts, slots, (weights / np.repeat(np.maximum(norms, 1e-9), lengths)).astype(np.float32))


def inverse_frequency(matrix: Sparse) -> Matrix:
    """ln((rows + 1) / (rows with the slot + 1)) + 1 of each slot."""
    import numpy as np

    rows = len(matrix.starts) - 1
    holding = np.bincount(matrix.slots, minlength=SLOTS)
    return (np.log((rows + 1) / (holding + 1)) + 1).astype(np.float32)
