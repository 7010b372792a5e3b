"""The papers that the shipped weights were taught: figures on those say nothing of new ones."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from zlib import crc32

import numpy as np

TRAINING_SET_FILE = "tagging-taught.npy"


def count_training_papers(keys: Iterable[str]) -> int:
    """How many of the papers, by arXiv id, people's labels taught the tagger."""
    known = _load_training_set()
    return sum(crc32(key.encode(errors="replace")) in known for key in keys)


def pack_training_set(keys: Iterable[str]) -> bytes:
    """The file of those papers: sorted checksums, four bytes a paper."""
    buffer = io.BytesIO()
    np.save(buffer, np.array(sorted({crc32(key.encode()) for key in keys}), dtype=np.uint32))
    return buffer.getvalue()


@lru_cache(1)
def _load_training_set() -> frozenset[int]:
    data = (resources.files("digest") / "data" / TRAINING_SET_FILE).read_bytes()
    return frozenset(np.load(io.BytesIO(data)).tolist())
