"""Words of titles and abstracts as hashed, weighted counts: a sparse matrix in plain numpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
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
_AUTHOR = "a:"  # an author's name is a word of its own
_AUTHORS = 60  # names read of a paper by hundreds
AUTHOR_SHARE = 0.5  # of the words' weight, for four authors together


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
    """Slots of words; remembers the words it has met, so that a pool costs a look-up a word."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def slots(self, words: Iterable[str]) -> list[int]:
        """Each word's slot."""
        known, out = self._known, []
        for word in words:
            place = known.get(word)
            if place is None:
                place = known[word] = slot(word)
            out.append(place)
        return out


def words_of(candidate: Candidate) -> dict[str, int]:
    """How often each word stands in title and abstract; parts of hyphenated words, and the title's words
    and pairs of words, count once more."""
    title = candidate.title.lower().translate(_APART).split()
    counts = Counter(title)
    counts.update(candidate.abstract.lower().translate(_APART).split())
    for word in [word for word in counts if "-" in word]:
        counts.update(part for part in word.split("-") if part)
    counts.update([_TITLE + word for word in title])
    counts.update([f"{_TITLE}{first} {second}" for first, second in pairwise(title)])
    return counts


def names_of(candidate: Candidate) -> list[str]:
    """The authors, as words of their own."""
    return [_AUTHOR + name.lower() for name in dict.fromkeys(candidate.authors[:_AUTHORS])]


def shown(word: str) -> str:
    """A word as a reader sees it."""
    if word.startswith(_AUTHOR):
        return word.removeprefix(_AUTHOR).title()
    return f"{word.removeprefix(_TITLE)} (title)" if word.startswith(_TITLE) else word


def word_matrix(candidates: Sequence[Candidate], idf: Matrix) -> Sparse:
    """Unit rows of (1 + ln count) x inverse frequency, the authors beside them with a share each."""
    import numpy as np

    hasher = Hasher()
    counts = [words_of(candidate) for candidate in candidates]
    words = _sparse([hasher.slots(row) for row in counts], [list(row.values()) for row in counts])
    weights = (1 + np.log(words.weights)) * idf[words.slots]
    sums = np.concatenate(([0.0], np.cumsum(weights.astype(np.float64) ** 2)))
    norms = np.sqrt(np.maximum(sums[words.starts[1:]] - sums[words.starts[:-1]], 1e-12))
    unit = (weights / np.repeat(norms, np.diff(words.starts))).astype(np.float32)
    names = [names_of(candidate) for candidate in candidates]
    shares = [[AUTHOR_SHARE / max(len(row), 4) ** 0.5] * len(row) for row in names]
    return _beside(Sparse(words.starts, words.slots, unit), _sparse([hasher.slots(row) for row in names], shares))


def _sparse(slots: Sequence[Sequence[int]], weights: Sequence[Sequence[float]]) -> Sparse:
    import numpy as np

    lengths = np.fromiter((len(row) for row in slots), dtype=np.int64, count=len(slots))
    starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths)))
    total = int(starts[-1])
    return Sparse(
        starts,
        np.fromiter(chain.from_iterable(slots), dtype=np.int32, count=total),
        np.fromiter(chain.from_iterable(weights), dtype=np.float32, count=total),
    )


def _beside(left: Sparse, right: Sparse) -> Sparse:
    """Each row of one followed by the same row of the other."""
    import numpy as np

    starts = left.starts + right.starts
    slots, weights = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.float32)
    for part, before in ((left, right.starts[:-1]), (right, left.starts[1:])):
        places = np.arange(part.starts[-1]) + np.repeat(before, np.diff(part.starts))
        slots[places], weights[places] = part.slots, part.weights
    return Sparse(starts, slots, weights)


def inverse_frequency(matrix: Sparse) -> Matrix:
    """ln((rows + 1) / (rows with the slot + 1)) + 1 of each slot."""
    import numpy as np

    rows = len(matrix.starts) - 1
    holding = np.bincount(matrix.slots, minlength=SLOTS)
    return (np.log((rows + 1) / (holding + 1)) + 1).astype(np.float32)
