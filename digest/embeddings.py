"""Static word-piece vectors; int8 packing.

Static word-piece vectors: a text's vector is the normalised sum of its pieces' rows; no network, no framework.

The table (30,522 BERT word pieces x 128 signed bytes, with a scale a row) was fitted by ridge regression to sentence
vectors of all-MiniLM-L6-v2 on arXiv titles and abstracts; see NOTICE for licences.

Vectors as bytes for the store: one signed byte a dimension, 128 bytes an item.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from digest.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


EMBEDDING_DIMENSIONS = 128
_WORD = re.compile(r"\w+|[^\w\s]")
_UNKNOWN_PIECE = -1


class EmbeddingTable:
    """The table, loaded once per process with `vectors()`."""

    def __init__(self, table: Matrix, pieces: dict[str, int]) -> None:
        self._table = table
        self._pieces = pieces
        self._pieces_by_word: dict[str, tuple[int, ...]] = {}

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors of the texts, shape (len(texts), 128); a text without known pieces is all zeros."""
        import numpy as np

        out = np.zeros((len(texts), EMBEDDING_DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            ids = self.split_into_pieces(text)
            if ids:
                out[row] = self._table[ids].sum(axis=0)
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        norms[norms == 0] = 1
        unit: Matrix = out / norms
        return unit

    def split_into_pieces(self, text: str) -> list[int]:
        """Row numbers of the text's word pieces, in order."""
        known = self._pieces_by_word
        ids: list[int] = []
        for word in _WORD.findall(fold_word(text)):
            pieces = known.get(word)
            if pieces is None:
                pieces = known[word] = self._split_word(word)
            ids.extend(pieces)
        return ids

    def get_frequency_rank(self, word: str) -> int | None:
        """Where a whole word of lower case stands in the list of pieces, which goes from frequent to rare."""
        return self._pieces.get(word)

    def _split_word(self, word: str) -> tuple[int, ...]:
        """Greedy longest match, as WordPiece does; a word that cannot be covered counts for nothing."""
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
    """Lower case without accents, as the vocabulary is."""
    text = text.lower()
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


@lru_cache(maxsize=1)
def load_embeddings() -> EmbeddingTable:
    """The packaged table."""
    import numpy as np

    data = resources.files("digest") / "data"
    rows = np.frombuffer((data / "static128.int8").read_bytes(), dtype=np.int8).reshape(-1, EMBEDDING_DIMENSIONS)
    scale = np.frombuffer((data / "static128.scale.f32").read_bytes(), dtype="<f4")
    words = (data / "vocab.txt").read_text(encoding="utf-8").split("\n")
    table: Matrix = rows.astype(np.float32) * scale[:, None].astype(np.float32)
    return EmbeddingTable(table, {word: number for number, word in enumerate(words) if word})


def pack_vectors(vectors: Matrix) -> list[bytes]:
    """Each row, a unit vector, as 128 bytes; cosines change by less than 0.01."""
    import numpy as np

    largest = np.abs(vectors).max(axis=1, keepdims=True)
    steps = np.rint(vectors / np.where(largest == 0, 1, largest) * 127).astype(np.int8)
    return [row.tobytes() for row in steps]


def unpack_vectors(rows: Sequence[bytes]) -> Matrix:
    """The unit vectors again, shape (len(rows), 128). Raises StoreError for bytes of another length."""
    import numpy as np

    if any(len(row) != EMBEDDING_DIMENSIONS for row in rows):
        raise StoreError("a stored vector has another length", "run the ranking again with the vectors recomputed")
    steps = np.frombuffer(b"".join(rows), dtype=np.int8).reshape(len(rows), EMBEDDING_DIMENSIONS).astype(np.float32)
    norms = np.linalg.norm(steps, axis=1, keepdims=True)
    norms[norms == 0] = 1
    unit: Matrix = steps / norms
    return unit
