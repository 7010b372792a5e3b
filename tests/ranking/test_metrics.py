"""AUC and recall are what the definitions say, and foreign lines are checked once."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import ParseError
from digest.ranking.metrics import compute_auc, compute_recall, measure_ranking, parse_picks, parse_pool

judged = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=40).filter(
    lambda rows: {picked for _, picked in rows} == {True, False}
)


@given(judged)
def test_auc_is_the_share_of_pairs_in_the_right_order_with_ties_counting_half(rows: list[tuple[int, bool]]) -> None:
    pairs = [(a, b) for a, picked in rows if picked for b, other in rows if not other]
    expected = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)
    assert compute_auc([s for s, _ in rows], [p for _, p in rows]) == pytest.approx(expected)


def test_auc_of_one_kind_alone_is_not_a_number() -> None:
    assert math.isnan(compute_auc([1.0, 2.0], [True, True]))


def test_recall_counts_the_picks_among_the_first() -> None:
    assert compute_recall([5, 4, 3, 2], [True, False, True, True], 2) == pytest.approx(1 / 3)


def test_months_are_averaged_and_a_month_without_picks_is_left_out() -> None:
    months = [
        ("2025-09", [3, 2, 1], [True, False, False]),
        ("2025-10", [1, 2, 3], [True, False, False]),
        ("2025-11", [1, 2, 3], [False, False, False]),
    ]
    found = measure_ranking(months)
    assert [month.month for month in found.months] == ["2025-09", "2025-10"]
    assert (found.months[0].auc, found.months[1].auc, found.auc) == (1.0, 0.0, 0.5)
    assert found.as_dict()["months"][0]["picks"] == 1


def test_a_pool_line_becomes_a_candidate() -> None:
    line = '{"arxiv_id": "2501.00001", "title": "T", "abstract": "A", "authors": ["X Y"], "categories": ["cs.CL"], '
    (found,) = parse_pool([line + '"published": "2025-01-03", "comment": null}', "  \n"])
    assert (found.key, found.title, found.abstract, found.comment) == ("2501.00001", "T", "A", "")
    assert found.published == datetime(2025, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize("day", ["", "soon", None, 7])
def test_a_date_that_is_none_leaves_the_candidate_undated(day: object) -> None:
    import json

    (found,) = parse_pool([json.dumps({"arxiv_id": "1", "title": "T", "published": day})])
    assert found.published is None


def test_a_pick_without_an_arxiv_id_is_left_out() -> None:
    lines = ['{"month": "2025-08", "curator": "x", "arxiv_id": "2508.1"}', '{"month": "2025-08", "curator": "x"}']
    assert [pick.arxiv_id for pick in parse_picks(lines)] == ["2508.1"]


@pytest.mark.parametrize(("line", "said"), [("{", "line 2 is not JSON"), ("[]", "not a JSON object"), ("{}", "lacks")])
def test_a_line_that_is_not_what_it_should_be_is_named(line: str, said: str) -> None:
    with pytest.raises(ParseError, match=said):
        parse_pool(["", line])
