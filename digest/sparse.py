"""Sparse matrices in compressed rows, for the tagger and the ranker, in plain numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SparseMatrix:
    """Rows of (column, value) pairs: row i holds the pairs `starts[i]` to `starts[i + 1]`."""

    starts: NDArray[np.int64]
    columns: NDArray[np.integer[Any]]
    values: Matrix

    @property
    def row_count(self) -> int:
        return len(self.starts) - 1

    def multiply_matrix(self, matrix: Matrix) -> Matrix:
        """Return the product with a matrix of shape (columns, n)."""
        import numpy as np

        product = np.zeros((self.row_count, matrix.shape[1]), dtype=np.float32)
        filled = np.flatnonzero(np.diff(self.starts))
        if len(filled):
            parts = matrix[self.columns] * self.values[:, None]
            product[filled] = np.add.reduceat(parts, self.starts[filled], axis=0)
        return product

    def multiply_vector(self, vector: Matrix) -> NDArray[np.float64]:
        """Return the product with a vector of one number a column."""
        import numpy as np

        sums = np.concatenate(([0.0], np.cumsum(self.values * vector[self.columns], dtype=np.float64)))
        product: NDArray[np.float64] = sums[self.starts[1:]] - sums[self.starts[:-1]]
        return product

    def multiply_transposed(self, rows: NDArray[np.float64], width: int) -> NDArray[np.float64]:
        """Return the product of the transposed matrix, of `width` rows, with one number a row of this one."""
        import numpy as np

        spread = np.repeat(rows, np.diff(self.starts))
        return np.bincount(self.columns, self.values * spread, width).astype(np.float64, copy=False)

    def get_row(self, number: int) -> tuple[NDArray[np.integer[Any]], Matrix]:
        """Return the columns and the values of a row."""
        span = slice(self.starts[number], self.starts[number + 1])
        return self.columns[span], self.values[span]


def join_rows(left: SparseMatrix, right: SparseMatrix) -> SparseMatrix:
    """Append to each row of one matrix the same row of the other."""
    import numpy as np

    starts = left.starts + right.starts
    columns, values = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.float32)
    for part, before in ((left, right.starts[:-1]), (right, left.starts[1:])):
        positions = np.arange(part.starts[-1]) + np.repeat(before, np.diff(part.starts))
        columns[positions], values[positions] = part.columns, part.values
    return SparseMatrix(starts, columns, values)


def stack_rows(blocks: Sequence[SparseMatrix]) -> SparseMatrix:
    """Append the rows of each matrix to those of the one before."""
    import numpy as np

    lengths = [np.diff(block.starts) for block in blocks]
    return SparseMatrix(
        np.concatenate([np.zeros(1, dtype=np.int64), *lengths]).cumsum(),
        np.concatenate([np.zeros(0, dtype=np.int32), *(block.columns for block in blocks)]),
        np.concatenate([np.zeros(0, dtype=np.float32), *(block.values for block in blocks)]),
    )
