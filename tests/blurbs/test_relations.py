"""A claim that compares, denies, affirms or counts otherwise than its source is flagged; others pass."""

from __future__ import annotations

import pytest

from digest.blurbs.grounding import check_grounding, prepare_grounding_source
from digest.embeddings import load_embeddings

SOURCE = prepare_grounding_source(
    "Harbour: Memory by Topic for Agents",
    "We compare three kinds of memory across two simulated offices, and train Harbour-1.7B and Harbour-8B. "
    "On DeskBench, Harbour substantially outperforms Flat-Harbour on long tasks. Topic memory matters more for recall "
    "than the size of the context. Grouping notes by topic reduces forgetting by up to 40 percent compared to mixed "
    "notes. Adding dialogue context improves recall, but the gain depends on the office. Strong agents do not "
    "necessarily remember much; Harbour uses one small learnable topic token. Early stopping saves 28-64% of tokens. "
    "Indexes by topic are beneficial, and agents frequently change which note they read. Harbour has the strongest "
    "recall, and the rate is about 0.145 nats.",
)
TRIAL = prepare_grounding_source(
    "Lantern for Clerks",
    "Lantern lowers the error rate of clerks, and the score rises from 0.69 to 0.87. A reply is sent when its risk is "
    "less than or equal to 2. Sampling improves recall, but larger pools bring no gain. Copying a note was judged less "
    "harmful than copying a letter. It costs between 0.002 USD and 0.092 USD, routes 66% of the mail to a small model, "
    "and is open-source.",
)


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("The score goes from 0.87 to 0.69.", "direction: from 0.87 to 0.69"),
        ("A reply is sent when its risk is at least 2.", "direction: at least 2"),
        ("Copying a note was judged more harmful than copying a letter.", "direction: more harmful"),
        ("Lantern raises the error rate.", "direction: raises the error rate"),
        ("Sampling does not improve recall.", "polarity: not"),
        ("Lantern is closed-source.", "polarity: closed-source"),
        ("It costs up to 92 cents.", "number: 92 cents"),
        ("Half of the mail goes to a small model.", "number: Half"),
    ],
)
def test_what_points_the_other_way_is_named(text: str, flag: str) -> None:
    assert flag in [str(actual) for actual in check_grounding(text, TRIAL)]


@pytest.mark.parametrize(
    "text",
    [
        "The score rises from 0.69 to 0.87.",
        "A reply is sent when its risk is at most 2.",
        "Copying a note was less harmful.",
        "Lantern lowers the rate of errors of clerks.",
        "It costs between 0.2 and 9.2 cents.",
        "Two thirds of the mail goes to a small model.",
        "Larger pools bring no gain.",
    ],
)
def test_the_same_way_in_other_words_passes(text: str) -> None:
    assert not [str(actual) for actual in check_grounding(text, TRIAL)]


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("Flat-Harbour outperforms Harbour on long tasks.", "relation: outperforms"),
        ("Harbour is outperformed by Flat-Harbour.", "relation: outperformed"),
        ("The size of the context matters more for recall than topic memory.", "relation: than"),
        ("Mixed notes reduce forgetting compared to notes grouped by topic.", "relation: compared to"),
        ("Adding dialogue context does not improve recall.", "polarity: not"),
        ("Strong agents remember much.", "polarity: remember"),
        ("Indexes by topic are harmful.", "polarity: harmful"),
        ("Agents rarely change which note they read.", "polarity: rarely"),
        ("Four kinds of memory are compared.", "count: Four kinds"),
        ("It was tried in five simulated offices.", "count: five simulated offices"),
        ("Harbour uses sixteen learnable topic tokens.", "count: sixteen learnable topic tokens"),
        ("The rate is about 0.145 bits.", "number: 0.145 bits"),
        ("Forgetting falls by 40 pixels.", "number: 40 pixels"),
        ("A hundred offices were simulated.", "number: A hundred"),
        ("It was tried on CelebA too.", "name: CelebA"),
    ],
)
def test_what_the_source_says_otherwise_is_named(text: str, flag: str) -> None:
    assert flag in [str(actual) for actual in check_grounding(text, SOURCE)]


@pytest.mark.parametrize(
    "text",
    [
        "Harbour outperforms Flat-Harbour on long tasks.",
        "Flat-Harbour is outperformed by Harbour.",
        "Topic memory matters more than the size of the context.",
        "Notes grouped by topic are forgotten less than mixed notes.",
        "Dialogue context helps recall, though not in every office alike.",
        "Being strong does not make agents remember.",
        "Three kinds of memory are compared in two offices.",
        "One memory, Harbour, has the best recall.",
        "Stopping early saves 28 to 64% of the tokens.",
        "Two sizes, 1.7B and 8B, are trained.",
        "Grouping shows that topics help.",
    ],
)
def test_what_the_source_says_in_other_words_passes(text: str) -> None:
    assert check_grounding(text, SOURCE) == ()


@pytest.mark.parametrize("text", ["The rate is about 0.145 nats.", "Agents change which note they read."])
def test_a_short_sentence_in_the_sources_words_is_not_taken_for_another_items(text: str) -> None:
    assert check_grounding(text, SOURCE, embeddings=load_embeddings()) == ()
