"""A quoted blurb says what is new and what came of it, word for word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.blurbs.extract import extract_quote
from digest.embeddings import load_embeddings
from digest.text import normalise_line
from digest.text.sentences import split_sentences
from tests.bench.quotes import measure

ABSTRACT = (
    "Language models forget what they read an hour ago. Existing memories are crucial but slow, as Smith et al. noted. "
    "In this paper, we propose Lantern, a memory that writes its own index, e.g. by topic. "
    "Lantern keeps 3.5 million notes. Experiments show that Lantern outperforms FAISS by 12.4% on LoCoMo. "
    "Our code is available at https://github.com/example/lantern."
)


def test_the_contribution_and_the_best_result_are_quoted_in_their_order() -> None:
    quote = extract_quote("Lantern: a memory", ABSTRACT)
    assert quote.sentences == (
        "In this paper, we propose Lantern, a memory that writes its own index, e.g. by topic.",
        "Experiments show that Lantern outperforms FAISS by 12.4% on LoCoMo.",
    )
    assert quote.text == " ".join(quote.sentences)


def test_vectors_may_be_given_and_change_no_word() -> None:
    quote = extract_quote("Lantern: a memory", ABSTRACT, load_embeddings())
    assert all(piece in ABSTRACT for piece in quote.sentences)


def test_a_text_without_words_gives_an_empty_quote() -> None:
    assert extract_quote("Title", " \n ").sentences == ()


def test_where_the_code_lies_is_not_quoted_even_when_there_is_little_else() -> None:
    quote = extract_quote("T", "We present a small tool for reading feeds. Code is available at https://example.org.")
    assert quote.sentences == ("We present a small tool for reading feeds.",)


def test_a_sentence_in_which_a_link_was_taken_out_is_not_quoted() -> None:
    text = "We present a tool for reading feeds fast. It halves the time of reading. All of it is at this https URL."
    assert all("URL" not in piece for piece in extract_quote("T", text).sentences)


def test_of_a_post_only_the_beginning_is_read_and_no_sentence_is_cut() -> None:
    post = "Getting started\n\n" + "The archive grew by a few pages again today. " * 40
    post += "We introduce a wonderful new result which achieves 99%."
    quote = extract_quote("Archive", post, is_post=True)
    assert set(quote.sentences) == {"The archive grew by a few pages again today."}


def test_headings_of_a_post_are_not_run_into_the_prose() -> None:
    quote = extract_quote(
        "Agents at work", "Why we built it\n\nToday we release Anvil, a runner for long tasks.", is_post=True
    )
    assert quote.text == "Today we release Anvil, a runner for long tasks."


def test_a_text_without_full_stops_is_cut_after_eighty_words_and_says_so() -> None:
    quote = extract_quote("List", "word " * 300)
    assert quote.text.endswith(" …")
    assert len(quote.sentences[0].split()) == 80


@given(st.text(alphabet=st.sampled_from("We propose a. B! 3.5% $x$ \n\n\"')e.g.vLLM"), max_size=400))
def test_every_quoted_sentence_stands_in_the_source(text: str) -> None:
    folded = normalise_line(text)
    assert all(piece in folded for piece in extract_quote("A title", text).sentences)


@pytest.mark.parametrize(
    "text",
    [
        "As Smith et al. Showed in 2024, it holds.",
        "It gains 3.5 points, i.e. Two more than before.",
        "See Fig. 3 and Eq. 4 for the proof.",
        "By J. R. Smith and colleagues.",
        "The score $a. B$ is fixed.",
        "Models (e.g. GPT-4) and tools vs. Agents differ.",
    ],
)
def test_abbreviations_initials_decimals_and_tex_end_no_sentence(text: str) -> None:
    assert split_sentences(text) == [text]


def test_sentences_end_where_the_next_begins_with_a_capital_a_name_or_a_quotation_mark() -> None:
    text = 'It works. vLLM is fast. "Quoted words." (An aside.) We test plan B. The end, etc. Then more. 12 tasks pass.'
    assert split_sentences(text) == [
        "It works.",
        "vLLM is fast.",
        '"Quoted words."',
        "(An aside.)",
        "We test plan B.",
        "The end, etc.",
        "Then more.",
        "12 tasks pass.",
    ]


def test_splitting_loses_no_character_of_a_line() -> None:
    assert re.sub(r"\s", "", "".join(split_sentences(ABSTRACT))) == re.sub(r"\s", "", ABSTRACT)


@pytest.mark.slow
def test_quotes_come_as_near_to_expert_blurbs_as_promised(shared_data: Path) -> None:
    score = {row["method"]: row["r2"] for row in measure(shared_data)}
    assert float(score["quote"]) >= 13.0
    assert float(score["quote without vectors"]) >= 12.0


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        (
            "Memory of agents is short. To address this gap, we propose Lantern, a memory with an index.",
            "… we propose Lantern, a memory with an index.",
        ),
        (
            "Memory is hard to keep. In this paper, we propose Lantern, a memory with an index.",
            "In this paper, we propose Lantern, a memory with an index.",
        ),
    ],
)
def test_an_opening_that_refers_to_a_sentence_not_shown_is_cut(text: str, quote: str) -> None:
    found = extract_quote("Lantern", text)
    assert quote in found.text
    assert all(sentence in text for sentence in found.sentences)


def test_neither_the_title_nor_tex_is_quoted_where_there_is_prose() -> None:
    text = (
        "Lantern, a memory that writes its own index. We propose $\\alpha$-Lantern, a new \\textbf{memory} of agents."
    )
    text += " We present a memory that keeps what an agent did last week."
    assert extract_quote("Lantern: a memory that writes its own index", text).sentences == (
        "We present a memory that keeps what an agent did last week.",
    )
