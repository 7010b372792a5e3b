"""Embed texts as static vectors of word pieces, and pack vectors into bytes.

A text's vector is the normalised sum of its pieces' rows. The table (30,522 BERT word pieces x 128 signed bytes, with a
scale per row) was fitted by ridge regression to sentence vectors of all-MiniLM-L6-v2 on arXiv titles and abstracts;
NOTICE has the licences.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, cast

from digest.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


EMBEDDING_DIMENSIONS = 128
_WORD = re.compile(r"\w+|[^\w\s]")
_UNKNOWN_PIECE = -1


class EmbeddingTable:
    """A table of word-piece vectors."""

    def __init__(self, table: Matrix, pieces: dict[str, int]) -> None:
        self._table = table
        self._pieces = pieces
        self._pieces_by_word: dict[str, tuple[int, ...]] = {}

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return unit vectors of the texts, shape (len(texts), 128); a text without known pieces is all zeros."""
        import numpy as np

        out = np.zeros((len(texts), EMBEDDING_DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            ids = self.split_into_pieces(text)
            if ids:
                out[row] = self.sum_pieces(ids)
        return _normalise_rows(out)

    def sum_pieces(self, ids: Sequence[int]) -> Matrix:
        """Return the sum of the pieces' vectors; texts that are joined by a space have the sum of their sums."""
        return cast("Matrix", self._table[ids].sum(axis=0))

    def split_into_pieces(self, text: str) -> list[int]:
        """Return the row numbers of the text's word pieces, in order."""
        cache = self._pieces_by_word
        ids: list[int] = []
        for word in _WORD.findall(fold_word(text)):
            pieces = cache.get(word)
            if pieces is None:
                pieces = cache[word] = self._split_word(word)
            ids.extend(pieces)
        return ids

    def get_frequency_rank(self, word: str) -> int | None:
        """Return the rank of a whole lower-case word in the list of pieces, from frequent to rare."""
        return self._pieces.get(word)

    def _split_word(self, word: str) -> tuple[int, ...]:
        """Split greedily by the longest match, as WordPiece does; a word that cannot be covered has no pieces."""
        if len(word) > 100:
            return ()
        ids, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self._pieces.get(("##" if start else "") + word[start:end], _UNKNOWN_PIECE)
                if piece != _UNKNOWN_PIECE:
                    break
            else:
                return ()
            ids.append(piece)
            start = end
        return tuple(ids)


def fold_word(text: str) -> str:
    """Return lower case without accents, as in the vocabulary."""
    text = text.lower()
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


@lru_cache(maxsize=1)
def load_embeddings() -> EmbeddingTable:
    """Load the packaged table, once per process."""
    import numpy as np

    data = resources.files("digest") / "data"
    rows = np.frombuffer((data / "static128.int8").read_bytes(), dtype=np.int8).reshape(-1, EMBEDDING_DIMENSIONS)
    scale = np.frombuffer((data / "static128.scale.f32").read_bytes(), dtype="<f4")
    pieces = (data / "vocab.txt").read_text(encoding="utf-8").split("\n")
    table: Matrix = rows.astype(np.float32) * scale[:, None].astype(np.float32)
    return EmbeddingTable(table, {word: number for number, word in enumerate(pieces) if word})


def pack_vectors(vectors: Matrix) -> list[bytes]:
    """Pack each row, a unit vector, into 128 bytes; cosines change by less than 0.01."""
    import numpy as np

    largest = np.abs(vectors).max(axis=1, keepdims=True)
    steps = np.rint(vectors / np.where(largest == 0, 1, largest) * 127).astype(np.int8)
    return [row.tobytes() for row in steps]


def unpack_vectors(rows: Sequence[bytes]) -> Matrix:
    """Unpack unit vectors, shape (len(rows), 128). Raises StoreError for bytes of another length."""
    import numpy as np

    if any(len(row) != EMBEDDING_DIMENSIONS for row in rows):
        raise StoreError("a stored vector has another length", "run the ranking again with the vectors recomputed")
    steps = np.frombuffer(b"".join(rows), dtype=np.int8).reshape(len(rows), EMBEDDING_DIMENSIONS).astype(np.float32)
    return _normalise_rows(steps)


def _normalise_rows(matrix: Matrix) -> Matrix:
    import numpy as np

    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    norms[norms == 0] = 1
    return cast("Matrix", matrix / norms)
