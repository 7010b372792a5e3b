"""Ranking: features with reasons, taste learned from decisions, a shortlist without near-copies, and its measures."""

from __future__ import annotations

from digest.ranking.packing import pack, unpack
from digest.ranking.rank import Context, rank
from digest.ranking.shortlist import shortlist
from digest.ranking.taste import Taste, prior
from digest.ranking.values import Candidate, Ranked, Reason

__all__ = ["Candidate", "Context", "Ranked", "Reason", "Taste", "pack", "prior", "rank", "shortlist", "unpack"]
