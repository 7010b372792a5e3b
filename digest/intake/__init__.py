"""Which work is this, and is it new? Cleaning, identity, decisions and possible duplicates, as values."""

from __future__ import annotations

from digest.intake.decide import Arrival, decide
from digest.intake.instructions import instruction_in
from digest.intake.known import Known, KnownItem, KnownMention, Wanted, wanted
from digest.intake.prepare import prepare
from digest.intake.prepared import Prepared, Rejected

__all__ = [
    "Arrival",
    "Known",
    "KnownItem",
    "KnownMention",
    "Prepared",
    "Rejected",
    "Wanted",
    "decide",
    "instruction_in",
    "prepare",
    "wanted",
]
