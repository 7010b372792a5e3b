"""Ranking: features with reasons, taste learned from decisions, a shortlist without near-copies, and its measures."""

from __future__ import annotations

from digest.ranking.learning import Month, Proof, evaluate, learn_taste, months_of, most_active, settle, thinned
from digest.ranking.measure import Measured, PublicPick, measure, read_picks, read_pool
from digest.ranking.packing import pack, unpack
from digest.ranking.rank import Context, rank
from digest.ranking.shortlist import shortlist
from digest.ranking.taste import FORM_OF_TASTE, Taste, prior
from digest.ranking.values import Candidate, Ranked, Reason

__all__ = [
    "FORM_OF_TASTE",
    "Candidate",
    "Context",
    "Measured",
    "Month",
    "Proof",
    "PublicPick",
    "Ranked",
    "Reason",
    "Taste",
    "evaluate",
    "learn_taste",
    "measure",
    "months_of",
    "most_active",
    "pack",
    "prior",
    "rank",
    "read_picks",
    "read_pool",
    "settle",
    "shortlist",
    "thinned",
    "unpack",
]
