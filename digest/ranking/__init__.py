"""Ranking: features with reasons, taste learned from decisions, a shortlist without near-copies, and its measures."""

from __future__ import annotations

from digest.ranking.learning import (
    HeldOutProof,
    TrainingMonth,
    build_training_months,
    find_most_active_curator,
    measure_trained_ranker,
    sample_month,
    train_and_prove,
    train_preferences,
)
from digest.ranking.measure import PublicPick, RankingMetrics, measure_ranking, parse_picks, parse_pool
from digest.ranking.packing import pack_vectors, unpack_vectors
from digest.ranking.rank import RankingContext, rank_candidates
from digest.ranking.shortlist import diversify_candidates
from digest.ranking.taste import PREFERENCES_VERSION, PreferenceModel, load_default_preferences
from digest.ranking.values import Candidate, RankedCandidate, Reason

__all__ = [
    "PREFERENCES_VERSION",
    "Candidate",
    "HeldOutProof",
    "PreferenceModel",
    "PublicPick",
    "RankedCandidate",
    "RankingContext",
    "RankingMetrics",
    "Reason",
    "TrainingMonth",
    "build_training_months",
    "diversify_candidates",
    "find_most_active_curator",
    "load_default_preferences",
    "measure_ranking",
    "measure_trained_ranker",
    "pack_vectors",
    "parse_picks",
    "parse_pool",
    "rank_candidates",
    "sample_month",
    "train_and_prove",
    "train_preferences",
    "unpack_vectors",
]
