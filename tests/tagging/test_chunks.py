"""Splitting by chunks gives the pieces and the words that each text has on its own, in one pass."""

from __future__ import annotations

import numpy as np
import pytest

from digest.embeddings import load_embeddings
from digest.protocols import TagInput
from digest.tagging.chunks import WORD, TextSplitter
from digest.tagging.weights import load_shipped_weights

TEXTS = [
    "Qwen2.5-7B: state-of-the-art, 3.5x faster (v1.0.2).",
    "naïve Bayes, Ångström and foo_bar... e.g. GPT-4o!?)",
    "检索增强 生成。 emoji 🤖, tab\tand\u00a0space\x85line",
    "  ",
    "...",
    "2.5.) 2.5., a.b.c.d",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_has_the_words_and_the_vector_that_it_has_unsplit(text: str) -> None:
    splitter = TextSplitter(load_embeddings())
    for _ in range(2):  # from nothing, and from the cache
        split = splitter.split([text])
        assert [splitter.word_list[number] for number in split.numbers] == WORD.findall(text.lower())
        pieces = load_embeddings().split_into_pieces(text)
        expected = load_embeddings().sum_pieces(pieces) if pieces else np.zeros(128, dtype=np.float32)
        np.testing.assert_allclose(split.sums[0], expected, rtol=1e-5, atol=1e-5)


def test_words_of_the_limit_are_kept_and_each_knows_its_text() -> None:
    splitter = TextSplitter(load_embeddings())
    split = splitter.split(["one two three", "", "four five"], max_words=2)
    assert [splitter.word_list[number] for number in split.numbers] == ["one", "two", "four", "five"]
    assert split.rows.tolist() == [0, 0, 2, 2]


def test_title_and_abstract_together_have_the_vector_of_their_text() -> None:
    item = TagInput("Agents that plan", "We let agents plan. They do.")
    [vector] = load_shipped_weights().vocabulary.split_inputs([item]).embed_texts()
    expected = load_embeddings().embed([f"{item.title}. {item.abstract}"])[0]
    np.testing.assert_allclose(vector, expected, atol=1e-6)
