"""Hashed, weighted token counts of titles, abstracts and authors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import TYPE_CHECKING
from zlib import crc32

from digest.ranking.types import RankerInput
from digest.sparse import SparseMatrix, join_rows, stack_rows

if TYPE_CHECKING:
    from digest.embeddings import Matrix

SLOT_COUNT = 1 << 16
_SEPARATORS = {ord(c): " " for c in ".,:;!?()[]{}<>\"'`/\\|$%&*=#@^~_\u2013\u2014\u2018\u2019\u201c\u201d\n\t"}
_TITLE_PREFIX = "t:"  # a title's words count once more, under their own slot
_AUTHOR_PREFIX = "a:"  # an author's name is a word of its own
_MAX_AUTHORS = 60  # names read of a paper by hundreds
_BLOCK_SIZE = 4096  # papers whose words are held at a time
AUTHOR_WEIGHT = 1.0  # the weight of four authors together, that of all the words being 1


def hash_token(token: str) -> int:
    """Return a token's slot; two tokens may share one."""
    return crc32(token.encode(errors="replace")) % SLOT_COUNT


class _SlotCache(dict[str, int]):
    """A cache of tokens' slots."""

    def __missing__(self, word: str) -> int:
        slot = self[word] = hash_token(word)
        return slot


def extract_tokens(candidate: RankerInput) -> list[str]:
    """Return the tokens of title and abstract with repeats.

    Parts of hyphenated words, and the title's words and pairs of words, are added once more.
    """
    title = candidate.title.lower().translate(_SEPARATORS).split()
    tokens = title + candidate.abstract.lower().translate(_SEPARATORS).split()
    hyphened = {word for word in tokens if "-" in word}
    parts = [part for word in hyphened for part in word.split("-") if part]
    return [
        *tokens,
        *parts,
        *(_TITLE_PREFIX + word for word in title),
        *(f"{_TITLE_PREFIX}{a} {b}" for a, b in pairwise(title)),
    ]


def extract_author_tokens(candidate: RankerInput) -> list[str]:
    """Return one token an author."""
    return [_AUTHOR_PREFIX + name.lower() for name in dict.fromkeys(candidate.authors[:_MAX_AUTHORS])]


def format_token(token: str) -> str:
    """Return a token as readers see it."""
    if token.startswith(_AUTHOR_PREFIX):
        return token.removeprefix(_AUTHOR_PREFIX).title()
    return f"{token.removeprefix(_TITLE_PREFIX)} (title)" if token.startswith(_TITLE_PREFIX) else token


def normalise_token(token: str) -> str:
    """Return a token without title mark and plural, for comparing what readers take for one word."""
    return token if token.startswith(_AUTHOR_PREFIX) else token.removeprefix(_TITLE_PREFIX).removesuffix("s")


def build_token_matrix(candidates: Sequence[RankerInput], idf: Matrix) -> SparseMatrix:
    """Return unit rows of (1 + ln count) x inverse frequency, followed by the authors' weights."""
    slots = _SlotCache()
    # By thousands, because the words of a hundred thousand papers at once are gigabytes of small objects.
    blocks = [
        _build_token_block(candidates[at : at + _BLOCK_SIZE], idf, slots)
        for at in range(0, len(candidates), _BLOCK_SIZE)
    ]
    return stack_rows(blocks)


def _build_token_block(candidates: Sequence[RankerInput], idf: Matrix, slots: _SlotCache) -> SparseMatrix:
    tokens = _count_tokens([extract_tokens(candidate) for candidate in candidates], slots)
    authors = _count_tokens([extract_author_tokens(candidate) for candidate in candidates], slots)
    return join_rows(_weigh_tokens(tokens, idf), _weigh_authors(authors))


def _count_tokens(rows: Sequence[Sequence[str]], slots: _SlotCache) -> SparseMatrix:
    """Count the slots of each row."""
    import numpy as np

    lengths = [len(row) for row in rows]
    positions = np.fromiter(map(slots.__getitem__, chain.from_iterable(rows)), dtype=np.int64, count=sum(lengths))
    numbers = np.arange(len(rows) + 1) * SLOT_COUNT  # a row's number and a slot in one integer
    cells, counts = np.unique(positions + np.repeat(numbers[:-1], lengths), return_counts=True)
    starts = np.searchsorted(cells, numbers)
    return SparseMatrix(starts, (cells % SLOT_COUNT).astype(np.int32), counts.astype(np.float32))


def _weigh_tokens(counts: SparseMatrix, idf: Matrix) -> SparseMatrix:
    import numpy as np

    weights = (1 + np.log(counts.values)) * idf[counts.columns]
    sums = np.concatenate(([0.0], np.cumsum(weights.astype(np.float64) ** 2)))
    norms = np.sqrt(np.maximum(sums[counts.starts[1:]] - sums[counts.starts[:-1]], 1e-12))
    return SparseMatrix(
        counts.starts, counts.columns, (weights / np.repeat(norms, np.diff(counts.starts))).astype(np.float32)
    )


def _weigh_authors(names: SparseMatrix) -> SparseMatrix:
    import numpy as np

    counts = np.diff(names.starts)
    return SparseMatrix(names.starts, names.columns, np.repeat(AUTHOR_WEIGHT / np.maximum(counts, 4) ** 0.5, counts))
