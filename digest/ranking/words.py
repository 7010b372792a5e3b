"""Words of titles and abstracts as hashed, weighted counts: a sparse matrix in plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
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
_BLOCK = 4096  # papers whose words are held at a time
AUTHOR_SHARE = 1.0  # the weight of four authors together, that of all the words being 1


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
    return crc32(word.encode(errors="replace")) % SLOTS


class _Slots(dict[str, int]):
    """Slots of words; remembers the words it has met, so that a pool costs a look-up a word."""

    def __missing__(self, word: str) -> int:
        place = self[word] = slot(word)
        return place


def words_of(candidate: Candidate) -> list[str]:
    """The words of title and abstract as often as they stand there; parts of hyphenated words, and the title's words
    and pairs of words, once more."""
    title = candidate.title.lower().translate(_APART).split()
    words = title + candidate.abstract.lower().translate(_APART).split()
    hyphened = {word for word in words if "-" in word}
    parts = [part for word in hyphened for part in word.split("-") if part]
    return [*words, *parts, *(_TITLE + word for word in title), *(f"{_TITLE}{a} {b}" for a, b in pairwise(title))]


def names_of(candidate: Candidate) -> list[str]:
    """The authors, as words of their own."""
    return [_AUTHOR + name.lower() for name in dict.fromkeys(candidate.authors[:_AUTHORS])]


def shown(word: str) -> str:
    """A word as a reader sees it."""
    if word.startswith(_AUTHOR):
        return word.removeprefix(_AUTHOR).title()
    return f"{word.removeprefix(_TITLE)} (title)" if word.startswith(_TITLE) else word


def alike(word: str) -> str:
    """What a reader takes for the same word: in the title or not, one or several."""
    return word if word.startswith(_AUTHOR) else word.removeprefix(_TITLE).removesuffix("s")


def word_matrix(candidates: Sequence[Candidate], idf: Matrix) -> Sparse:
    """Unit rows of (1 + ln count) x inverse frequency, the authors beside them with a share each."""
    slots = _Slots()
    # By thousands, because the words of a hundred thousand papers at once are gigabytes of small objects.
    blocks = [_block(candidates[at : at + _BLOCK], idf, slots) for at in range(0, len(candidates), _BLOCK)]
    return _below(blocks)


def _block(candidates: Sequence[Candidate], idf: Matrix, slots: _Slots) -> Sparse:
    words = _counted([words_of(candidate) for candidate in candidates], slots)
    names = _counted([names_of(candidate) for candidate in candidates], slots)
    return _beside(_unit(words, idf), _shared(names))


def _counted(rows: Sequence[Sequence[str]], slots: _Slots) -> Sparse:
    """How often each slot stands in each row."""
    import numpy as np

    lengths = [len(row) for row in rows]
    places = np.fromiter(map(slots.__getitem__, chain.from_iterable(rows)), dtype=np.int64, count=sum(lengths))
    numbers = np.arange(len(rows) + 1) * SLOTS  # a row's number and a slot in one integer
    met, counts = np.unique(places + np.repeat(numbers[:-1], lengths), return_counts=True)
    starts = np.searchsorted(met, numbers)
    return Sparse(starts, (met % SLOTS).astype(np.int32), counts.astype(np.float32))


def _unit(words: Sparse, idf: Matrix) -> Sparse:
    import numpy as np

    weights = (1 + np.log(words.weights)) * idf[words.slots]
    sums = np.concatenate(([0.0], np.cumsum(weights.astype(np.float64) ** 2)))
    norms = np.sqrt(np.maximum(sums[words.starts[1:]] - sums[words.starts[:-1]], 1e-12))
    return Sparse(words.starts, words.slots, (weights / np.repeat(norms, np.diff(words.starts))).astype(np.float32))


def _shared(names: Sparse) -> Sparse:
    import numpy as np

    counts = np.diff(names.starts)
    return Sparse(names.starts, names.slots, np.repeat(AUTHOR_SHARE / np.maximum(counts, 4) ** 0.5, counts))


def _beside(left: Sparse, right: Sparse) -> Sparse:
    """Each row of one followed by the same row of the other."""
    import numpy as np

    starts = left.starts + right.starts
    slots, weights = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.float32)
    for part, before in ((left, right.starts[:-1]), (right, left.starts[1:])):
        places = np.arange(part.starts[-1]) + np.repeat(before, np.diff(part.starts))
        slots[places], weights[places] = part.slots, part.weights
    return Sparse(starts, slots, weights)


def _below(blocks: Sequence[Sparse]) -> Sparse:
    """The rows of the first, then those of the next."""
    import numpy as np

    lengths = [np.diff(block.starts) for block in blocks]
    return Sparse(
        np.concatenate([np.zeros(1, dtype=np.int64), *lengths]).cumsum(),
        np.concatenate([np.zeros(0, dtype=np.int32), *(block.slots for block in blocks)]),
        np.concatenate([np.zeros(0, dtype=np.float32), *(block.weights for block in blocks)]),
    )


def inverse_frequency(matrix: Sparse) -> Matrix:
    """ln((rows + 1) / (rows with the slot + 1)) + 1 of each slot."""
    import numpy as np

    rows = len(matrix.starts) - 1
    holding = np.bincount(matrix.slots, minlength=SLOTS)
    return (np.log((rows + 1) / (holding + 1)) + 1).astype(np.float32)
