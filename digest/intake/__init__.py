"""Which work is this, and is it new? Cleaning, identity, decisions and possible duplicates, as values."""

from __future__ import annotations

from digest.intake.decide import MOST_REWORDINGS, Arrival, decide
from digest.intake.evaluate import DuplicateScore, score_pairs
from digest.intake.known import Known, KnownItem, KnownMention, Wanted, wanted
from digest.intake.lines import Lines, read_lines
from digest.intake.match import Matching, Possible, match
from digest.intake.prepare import prepare
from digest.intake.prepared import Prepared, Rejected
from digest.intake.profile import Record, record

__all__ = [
    "MOST_REWORDINGS",
    "Arrival",
    "DuplicateScore",
    "Known",
    "KnownItem",
    "KnownMention",
    "Lines",
    "Matching",
    "Possible",
    "Prepared",
    "Record",
    "Rejected",
    "Wanted",
    "decide",
    "match",
    "prepare",
    "read_lines",
    "record",
    "score_pairs",
    "wanted",
]
