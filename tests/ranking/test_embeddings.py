"""Vectors survive the store."""

from __future__ import annotations

import numpy as np
import pytest

from digest.embeddings import load_embeddings, pack_vectors, unpack_vectors
from digest.errors import StoreError


def test_a_packed_vector_takes_128_bytes_and_keeps_its_direction() -> None:
    embedded = load_embeddings().embed(["Agents that plan", "Protein folding", ""])
    rows = pack_vectors(embedded)
    assert {len(row) for row in rows} == {128}
    again = unpack_vectors(rows)
    assert np.allclose((again[:2] * embedded[:2]).sum(axis=1), 1, atol=1e-3)
    assert not again[2].any()


def test_nothing_packed_is_an_empty_matrix() -> None:
    assert unpack_vectors([]).shape == (0, 128)


def test_bytes_of_another_length_are_refused() -> None:
    with pytest.raises(StoreError, match="another length"):
        unpack_vectors([b"short"])
