"""Ranking: features with reasons, taste learned from decisions, a shortlist without near-copies, and its measures."""

from __future__ import annotations

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
