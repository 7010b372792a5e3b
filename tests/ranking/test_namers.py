"""What a naming says is learned per source, beside scores that were made without it."""

from __future__ import annotations

import json
import random

from digest.ranking.metrics import parse_picks, parse_pool
from digest.ranking.namers import NamerWeights, fit_namer_weights
from digest.ranking.score import RankingContext, rank_candidates
from digest.ranking.training import build_training_months
from digest.ranking.types import RankerInput


def test_a_source_whose_works_are_picked_weighs_more_than_one_whose_works_are_not() -> None:
    chance = random.Random(7)
    candidates, scores, picked = [], [], []
    for number in range(3000):
        names = tuple(name for name, share in (("Good", 0.05), ("Noise", 0.05)) if chance.random() < share)
        score = chance.gauss(0, 1)
        is_picked = chance.random() < 1 / (1 + 2.718 ** -(score - 4 + 3 * ("Good" in names)))
        candidates.append(RankerInput(str(number), "T", named_by=names))
        scores.append(score)
        picked.append(is_picked)
    weights = fit_namer_weights(scores, candidates, picked)
    assert 2 < weights.get_weight("Good") < 4
    assert abs(weights.get_weight("Noise")) < 1
    assert weights.get_weight("Good") > weights.get_weight("Unknown") > weights.get_weight("Noise")
    assert weights.list_learned()[0].startswith("Good +")


def test_votes_are_learned_where_there_are_some() -> None:
    candidates = [RankerInput(str(n), "T", votes=100 if n % 10 == 0 else 1) for n in range(600)]
    weights = fit_namer_weights([0.0] * 600, candidates, [n % 20 == 0 for n in range(600)])
    assert weights.votes > NamerWeights().votes
    assert weights.list_learned() == [f"votes {weights.votes:+.2f}"]


def test_lines_of_a_pool_may_say_who_names_a_paper_and_its_votes() -> None:
    rows = [
        {"arxiv_id": "2501.00001", "title": "A", "named_by": ["HF", "HF", " Import AI ", 3, ""], "votes": 12},
        {"arxiv_id": "2501.00002", "title": "B", "named_by": "HF", "votes": -1},
        {"arxiv_id": "2501.00003", "title": "C", "named_by": {"a": 1}, "votes": "many"},
    ]
    pool = parse_pool(map(json.dumps, rows))
    assert [(each.named_by, each.votes) for each in pool] == [(("HF", "Import AI"), 12), (("HF",), None), ((), None)]


def test_a_named_paper_stands_higher_and_its_reason_names_the_weightiest_source() -> None:
    pool = [RankerInput("a", "Same title"), RankerInput("b", "Same title", named_by=("Dull", "Sharp", "New"))]
    weights = NamerWeights({"Dull": 0.1, "Sharp": 2.0})
    first = rank_candidates(pool, RankingContext(namer_weights=weights))[0]
    assert first.candidate.key == "b"
    assert "named by Sharp and 2 others" in [reason.words for reason in first.reasons]


def test_other_curators_of_past_picks_count_as_namers() -> None:
    pool = [RankerInput("2501.00001", "A", named_by=("X",)), RankerInput("2501.00002", "B")]
    rows = [("me", "2501.00002"), ("you", "2501.00001"), ("you", "2501.00002")]
    picks = parse_picks(json.dumps({"month": "2025-01", "curator": c, "arxiv_id": key}) for c, key in rows)
    (month,) = build_training_months({"2025-01": pool}, picks, "me")
    assert [each.named_by for each in month.candidates] == [("X", "you"), ("you",)]
