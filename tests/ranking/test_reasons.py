"""What is read off a candidate: its words, its authors, its form; and the regression that weighs them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from digest.ranking.features import FORM_FEATURE_KINDS, FORM_FEATURE_NAMES, build_form_matrix
from digest.ranking.logistic import DesignMatrix, fit_logistic
from digest.ranking.tokens import (
    SLOT_COUNT,
    build_token_matrix,
    extract_author_tokens,
    extract_tokens,
    format_token,
    hash_token,
    normalise_token,
)
from digest.ranking.types import RankerInput

ONES = np.ones(SLOT_COUNT, dtype=np.float32)


def _form(**facts: object) -> dict[str, float]:
    row = build_form_matrix([RankerInput("k", **{"title": "T", **facts})])[0]  # type: ignore[arg-type]
    return dict(zip(FORM_FEATURE_NAMES, row.tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("solo", {"authors": ["Ada Lovelace"]}),
        ("authors-25", {"authors": [f"Author {n}" for n in range(30)]}),
        ("team", {"authors": ["Gemma Team", "Ada Lovelace"]}),
        ("short-name", {"title": "AgentX: planning over long horizons"}),
        ("versioned", {"title": "GLM-4.5: open models"}),
        ("title-45", {"title": "Agents that plan"}),
        ("pair", {"authors": ["Ada Lovelace"]}),
        ("authors-40", {"authors": [f"Author {n}" for n in range(40)]}),
        ("question", {"title": "Do agents plan?"}),
        ("report", {"title": "Seed technical report"}),
        ("survey", {"title": "A survey of agents"}),
        ("model-in-title", {"title": "What GPT-4 knows"}),
        ("models-named", {"abstract": "Better than Qwen and DeepSeek."}),
        ("code", {"comment": "Code: https://github.com/x/y"}),
        ("accepted", {"comment": "Accepted at ACL 2025"}),
        ("long", {"comment": "55 pages, 16 figures"}),
        ("outside", {"categories": ["cs.AI", "q-bio.NC"]}),
        ("first-cs.CL", {"categories": ["cs.CL", "cs.AI"]}),
    ],
)
def test_each_sign_of_form_is_seen_where_it_is_and_not_where_it_is_not(name: str, facts: dict[str, object]) -> None:
    assert _form(**facts)[name] > 0
    assert _form(authors=["A", "B", "C"], categories=["cs.AI"], title="An unremarkable long title of many plain words")[
        name
    ] == pytest.approx(0)


def test_an_absurd_number_of_pages_is_only_long() -> None:
    assert _form(comment=f"{'9' * 5000} pages")["long"] == 1


def test_words_count_in_the_title_again_and_hyphens_are_opened() -> None:
    counts = Counter(extract_tokens(RankerInput("k", "Long-horizon agents", "Agents plan.")))
    assert counts["agents"] == 2
    assert counts["long"] == counts["horizon"] == counts["t:agents"] == counts["t:long-horizon agents"] == 1


def test_a_paper_by_hundreds_is_read_for_some_of_them_and_each_name_once() -> None:
    assert len(extract_author_tokens(RankerInput("k", "T", authors=[f"A {n}" for n in range(500)]))) == 60
    assert extract_author_tokens(RankerInput("k", "T", authors=["Ada", "Ada"])) == ["a:ada"]


def test_names_and_title_words_are_shown_as_such() -> None:
    assert [format_token(word) for word in ("a:ada lovelace", "t:agents", "plan")] == [
        "Ada Lovelace",
        "agents (title)",
        "plan",
    ]


def test_a_row_holds_unit_words_and_a_share_for_the_authors() -> None:
    matrix = build_token_matrix(
        [RankerInput("e", ""), RankerInput("k", "agents plan", authors=["A", "B", "C", "D"])], ONES
    )
    assert len(matrix.get_row(0)[0]) == 0
    slots, weights = matrix.get_row(1)
    assert hash_token("agents") in slots
    assert np.square(weights[:-4]).sum() == pytest.approx(1, abs=1e-5)
    assert np.square(weights[-4:]).sum() == pytest.approx(1, abs=1e-5)


def test_the_sparse_products_are_those_of_the_full_matrix() -> None:
    matrix = build_token_matrix([RankerInput(str(n), f"agents plan {n}", authors=["A"]) for n in range(4)], ONES)
    full = np.zeros((4, SLOT_COUNT))
    for row in range(4):
        np.add.at(full[row], matrix.get_row(row)[0], matrix.get_row(row)[1])
    column, rows = np.sin(np.arange(SLOT_COUNT)).astype(np.float32), np.arange(4, dtype=np.float64)
    assert np.allclose(matrix.multiply_vector(column), full @ column, atol=1e-5)
    assert np.allclose(matrix.multiply_transposed(rows, SLOT_COUNT), full.T @ rows, atol=1e-5)


def test_learning_ends_where_the_slope_is_nothing() -> None:
    candidates = [RankerInput(str(n), "agents plan" if n % 2 else "wheat grows") for n in range(20)]
    design = DesignMatrix(np.zeros((20, 0), dtype=np.float32), build_token_matrix(candidates, ONES))
    chosen = np.array([n % 2 for n in range(20)], dtype=np.float64)
    chosen[0] = 1
    weights = fit_logistic(design, chosen, np.zeros(SLOT_COUNT + 1), np.ones(SLOT_COUNT + 1))
    odds = 1 / (1 + np.exp(-(design.multiply_vector(weights[:-1]) + weights[-1])))
    slope = np.append(design.multiply_transposed(odds - chosen), (odds - chosen).sum()) + weights
    assert np.abs(slope).max() < 0.05
    assert odds[1] > 0.8 > 0.5 > odds[2]


def test_an_abstract_of_few_words_is_brief_and_one_of_many_is_wordy() -> None:
    for count, brief, wordy in ((20, 1, 0), (150, 0, 0), (300, 0, 1)):
        found = _form(abstract="word " * count)
        assert (found["brief"], found["wordy"]) == (brief, wordy)
        assert found["abstract-words"] == pytest.approx(count / 60)


def test_signs_that_say_the_same_with_other_numbers_are_of_one_kind() -> None:
    kinds = dict(zip(FORM_FEATURE_NAMES, FORM_FEATURE_KINDS, strict=True))
    assert kinds["authors"] == kinds["authors-25"] == kinds["solo"]
    assert kinds["title-45"] == kinds["title-letters"] == kinds["short-title"]
    assert kinds["in-cs.CL"] == kinds["first-cs.CL"] != kinds["in-cs.AI"]
    assert kinds["models-named"] != kinds["model-in-title"]


def test_a_word_is_the_same_to_a_reader_in_the_title_and_in_the_plural_but_a_name_is_not() -> None:
    assert normalise_token("t:agents") == normalise_token("agents") == normalise_token("agent")
    assert normalise_token("a:ada agents") == "a:ada agents"
