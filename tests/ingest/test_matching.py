"""Records of one work are found by name, authors and text; what is not certain is shown, not joined."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.evaluation.duplicates import score_duplicates
from digest.ingest.matching import MatchResult, match_records
from digest.ingest.matching.features import RecordFeatures, build_record_features

SKETCH = (
    "We present {name}, a compact retriever for long scientific documents that learns sparse citation graphs. On the"
    " Qasper and SciFact suites it improves recall by 12.4 points over dense baselines while using 38 percent fewer"
    " parameters, and it runs on a laptop without quantisation."
)
OTHER = (
    "{name} studies how robot arms fold laundry from few demonstrations. A diffusion policy with tactile feedback"
    " reaches 91 percent success on unseen garments, and ablations show that contact sensing matters most."
)


def rec(title: str, text: str = "", **row: Any) -> RecordFeatures:
    return build_record_features({"title": title, "text": text, "date": "2026-03-02", **row})


def joined(found: MatchResult) -> bool:
    return len(set(found.groups)) == 1


def test_records_with_one_key_are_one_group_whatever_they_say() -> None:
    found = match_records([
        rec("A", url="https://arxiv.org/abs/2601.00001v2"), rec("B", url="https://hf.co/papers/2601.00001"),
        rec("C", url="https://arxiv.org/abs/2601.00002"),
    ])  # fmt: skip
    assert found.groups[0] == found.groups[1] != found.groups[2]


def test_one_title_in_two_places_at_one_time_is_joined() -> None:
    one = rec("Sparse Graphs for Long Documents", source="feed:a", url="https://a.example/1")
    other = rec(
        "Sparse graphs for long documents",
        source="feed:b",
        url="https://b.example/2",
        date="Tue, 03 Mar 2026 09:00:00 GMT",
    )
    assert joined(match_records([one, other]))


def test_a_lab_s_report_under_a_nickname_is_shown_beside_the_paper() -> None:
    report = rec("Citegraph 2", SKETCH.format(name="Citegraph 2"), source="lab", url="https://lab.example/report.pdf")
    paper = rec(
        "Citegraph 2: Sparse Retrieval over Citations", SKETCH.format(name="the second Citegraph"), source="arxiv",
        arxiv_id="2603.00001", authors=["Ada Lovelace"], date="2026-03-20",
    )  # fmt: skip
    found = match_records([report, paper])
    assert not joined(found)
    assert [(pair.left, pair.right) for pair in found.possible_pairs] == [(0, 1)]
    assert "called the same (Citegraph 2)" in found.possible_pairs[0].reason


def test_a_paper_whose_name_stands_only_in_a_post_s_text_is_shown_beside_it() -> None:
    post = rec("Laptops read long papers", SKETCH.format(name="Citegraph"), source="lab", url="https://lab.example/1")
    paper = rec("Citegraph: Sparse Retrieval over Citations", SKETCH.format(name="Citegraph"), arxiv_id="2603.00001")
    apart = np.array([[1.0, 0.0], [0.55, 0.835]], np.float32)  # too far from each other to be neighbours
    assert [(pair.left, pair.right) for pair in match_records([post, paper], vectors=apart).possible_pairs] == [(0, 1)]


def test_another_work_of_the_same_nickname_is_not_shown() -> None:
    one = rec("Genesis", SKETCH.format(name="Genesis"), source="lab", url="https://lab.example/")
    other = rec(
        "Genesis: Folding Laundry",
        OTHER.format(name="Genesis"),
        source="arxiv",
        arxiv_id="2608.00001",
        date="2026-08-01",
    )
    assert match_records([one, other]).possible_pairs == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Gemma 3 Technical Report", "Gemma 4 Technical Report"),
        ("Kimi K2", "Kimi K2.5: Visual Agentic Intelligence"),
        ("RecGPT Technical Report", "RecGPT-V2 Technical Report"),
        ("Overview of the Retrieval Track 2021", "Overview of the Retrieval Track 2022"),
        ("The Fifth Verification Competition", "The 6th Verification Competition"),
        ("The Illusion of Thought", "Comment on The Illusion of Thought"),
    ],
)
def test_sibling_editions_are_not_one_work(one: str, other: str) -> None:
    text = SKETCH.format(name="It")
    pair = [rec(one, text, source="a", url="https://a.example/"), rec(other, text, source="b", arxiv_id="2603.00001")]
    assert match_records(pair).possible_pairs == []


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        ("Citegraph 3 Super: Open Graphs for Agents", "Citegraph 3 Ultra: Open Graphs for Agents", False),
        ("Citegraph-3.1-8B-Instruct Technical Report", "Citegraph-3.1-Reasoning-8B Technical Report", False),
        ("Citegraph 3 Super: Open Graphs for Agents", "Citegraph 3 Super: Open Graphs for All Agents", True),
        ("Citegraph: Open Graphs for Agents", "CiteGraph 3: Open Graphs for Agents", False),
    ],
)
def test_papers_of_one_family_are_told_apart_by_a_word_of_their_names(one: str, other: str, shown: bool) -> None:
    text, people = SKETCH.format(name="It"), ["Ada Lovelace", "Alan Turing"]
    pair = [
        rec(title, text, arxiv_id=number, authors=people, source="arxiv")
        for title, number in ((one, "2601.00001"), (other, "2603.00001"))
    ]
    assert bool(match_records(pair).possible_pairs) is shown


def test_two_arxiv_ids_of_one_work_are_shown_and_never_joined() -> None:
    people = ["Ada Lovelace", "Alan Turing"]
    pair = [
        rec("Sparse Graphs for Long Documents", SKETCH.format(name=name), arxiv_id=number, authors=people, source=name)
        for name, number in (("Citegraph", "2601.00001"), ("our method", "2603.00001"))
    ]
    found = match_records(pair)
    assert not joined(found)
    assert len(found.possible_pairs) == 1
    assert "2 authors in common" in found.possible_pairs[0].reason


def test_one_title_by_other_people_is_another_work() -> None:
    pair = [
        rec("Natural Language Generation Today", text.format(name="It"), arxiv_id=number, authors=[author])
        for text, number, author in ((SKETCH, "2601.00001", "Ada Lovelace"), (OTHER, "2603.00001", "Alan Turing"))
    ]
    assert match_records(pair).possible_pairs == []


def test_a_post_that_links_its_own_paper_is_joined_to_it() -> None:
    post = rec(
        "Citegraph", "Meet Citegraph. Paper: https://arxiv.org/abs/2603.00001", source="lab", url="https://lab.example/"
    )
    paper = rec("Citegraph: Sparse Retrieval", SKETCH.format(name="Citegraph"), source="arxiv", arxiv_id="2603.00001")
    assert joined(match_records([post, paper]))


def test_a_group_never_bridges_two_arxiv_ids() -> None:
    papers = [
        rec("Sparse Graphs for Documents", arxiv_id=number, source="arxiv") for number in ("2601.00001", "2601.00002")
    ]
    post = rec("Sparse Graphs for Documents", source="lab", url="https://lab.example/")
    found = match_records([papers[0], post, papers[1]])
    assert found.groups[0] != found.groups[2]


def test_only_pairs_with_a_new_record_are_judged_when_asked() -> None:
    records = [
        rec("Citegraph", SKETCH.format(name="Citegraph"), source=name, url=f"https://{name}.example/") for name in "abc"
    ]
    assert {(pair.left, pair.right) for pair in match_records(records).possible_pairs} == {(0, 1), (0, 2), (1, 2)}
    pairs = match_records(records, new_positions=frozenset({2})).possible_pairs
    assert {(pair.left, pair.right) for pair in pairs} == {(0, 2), (1, 2)}


@given(
    st.lists(st.builds(lambda title, text, url: rec(title, text, url=url), st.text(), st.text(), st.text()), max_size=5)
)
def test_any_records_can_be_matched(records: list[RecordFeatures]) -> None:
    found = match_records(records)
    assert len(found.groups) == len(records)
    assert all(pair.left < pair.right and 0 <= pair.probability <= 1 for pair in found.possible_pairs)


@pytest.fixture
def pairs(shared_data: Path) -> Iterator[list[dict[str, Any]]]:
    with gzip.open(shared_data / "duplicate_pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield [json.loads(line) for line in lines]


def test_every_labelled_pair_is_right(pairs: list[dict[str, Any]]) -> None:
    score = score_duplicates(pairs)
    assert (score.missed, score.wrong, score.joined_right) == ((), (), score.same)


def test_names_authors_and_texts_alone_find_the_pairs(pairs: list[dict[str, Any]]) -> None:
    score = score_duplicates(pairs, withhold_keys=True)
    assert score.recall >= 0.95
    assert score.precision >= 0.99
    assert score.joined_precision >= 0.995
