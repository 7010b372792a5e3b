"""Vectors as bytes for the store: one signed byte a dimension, 128 bytes an item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from digest.errors import StoreError
from digest.vectors import EMBEDDING_DIMENSIONS

if TYPE_CHECKING:
    from digest.ranking.values import Matrix


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
