"""Ranking: features with reasons, taste learned from decisions, a shortlist without near-copies, and its measures."""

from __future__ import annotations

from digest.ranking.learning import Month, Proof, evaluate, learn_taste, months_of, prove, thinned
from digest.ranking.packing import pack, unpack
from digest.ranking.rank import Context, rank
from digest.ranking.shortlist import shortlist
from digest.ranking.taste import Taste, prior
from digest.ranking.values import Candidate, Ranked, Reason

__all__ = [
    "Candidate",
    "Context",
    "Month",
    "Proof",
    "Ranked",
    "Reason",
    "Taste",
    "evaluate",
    "learn_taste",
    "months_of",
    "pack",
    "prior",
    "prove",
    "rank",
    "shortlist",
    "thinned",
    "unpack",
]
