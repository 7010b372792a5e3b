"""On real months that the packaged prior has not seen it finds what the experts picked."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from digest.ranking.metrics import measure_ranking, parse_picks, parse_pool
from digest.ranking.preference import load_default_preferences
from digest.ranking.score import RankingContext, score_candidates
from digest.ranking.training import build_training_months


@pytest.mark.slow
def test_the_prior_finds_a_third_of_the_expert_picks_in_the_first_hundred_of_seven_thousand(shared_data: Path) -> None:
    with gzip.open(shared_data / "picks.jsonl.gz", "rt") as lines:
        picks = [pick for pick in parse_picks(lines) if pick.month in ("2025-09", "2025-10")]
    with gzip.open(shared_data / "pools" / "2025-09.jsonl.gz", "rt") as lines:
        (month,) = build_training_months({"2025-09": parse_pool(lines)}, picks, "dair-ai")
    found = measure_ranking([(month.name, score_candidates(month.candidates, RankingContext()), month.picked)])
    assert found.auc >= 0.93
    assert found.recall_100 >= 0.33
    assert found.recall_200 >= 0.47
    assert "to 2025-08" in load_default_preferences().learned_from
