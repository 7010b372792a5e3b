"""Every reader of foreign text takes time in proportion to its length, whatever the text."""

from __future__ import annotations

import os
import time
from random import Random

import pytest

from digest.text.names import split_names
from tests.fuzz.readers import READERS, SEEDS, call, grow, hostile_patterns

# Characters; 100,000 takes half an hour.
_SIZE = int(os.environ.get("DIGEST_LINEAR_SIZE", "8000"))
_MAX_SECONDS = 0.5
# markdown-it takes 9 µs for each bracket that opens no link.
_MAX_SECONDS_OF_MARKDOWN = 1.6
_MAX_GROWTH = 2.6
_NEGLIGIBLE_SECONDS = 0.06
_MARKDOWN = ("lint_markdown", "render_html", "render_text", "rewrite_markdown", "parse_archive_post")


def measure(name: str, text: str) -> float:
    start = time.process_time()
    call(READERS[name], text)
    return time.process_time() - start


def assert_linear(name: str, pattern: str, size: int) -> None:
    """Compare a doubled text with the text; the better of three measurements, because other processes disturb."""
    limit = (_MAX_SECONDS_OF_MARKDOWN if name in _MARKDOWN else _MAX_SECONDS) * max(size / 100_000, 0.4)
    seconds = growth = 0.0
    for _ in range(3):
        seconds = measure(name, grow(pattern, size))
        if seconds <= _NEGLIGIBLE_SECONDS:
            return
        growth = seconds / max(measure(name, grow(pattern, size // 2)), 0.001)
        if seconds <= limit and growth <= _MAX_GROWTH:
            return
    pytest.fail(f"{name} takes {seconds:.2f} s for {size} characters of {pattern!r}, growing {growth:.1f} times")


@pytest.mark.parametrize("name", READERS)
def test_a_reader_of_foreign_text_is_linear(name: str) -> None:
    call(READERS[name], "warm up")
    pairs = Random(name).sample(list(hostile_patterns()), 3)
    for pattern in SEEDS:
        assert_linear(name, pattern, _SIZE)
    for pattern in pairs:
        assert_linear(name, pattern, _SIZE // 2)


def test_an_author_entry_of_many_brackets_is_split_at_once() -> None:
    start = time.process_time()
    split_names(["<" * 100_000, "a@" * 50_000, "x" * 100_000 + "|", " (" * 50_000])
    assert time.process_time() - start < 0.5
