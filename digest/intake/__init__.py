"""Which work is this, and is it new? Cleaning, identity, decisions and possible duplicates, as values."""

from __future__ import annotations

from digest.intake.decide import MAX_REWORDINGS, IngestDecision, decide_batch
from digest.intake.evaluate import DuplicateScore, score_duplicates
from digest.intake.known import ExistingItem, ExistingMention, ExistingRecords, LookupKeys, collect_lookup_keys
from digest.intake.lines import ParsedLines, parse_jsonl_items
from digest.intake.match import MatchResult, PossiblePair, match_records
from digest.intake.prepare import normalize_entry
from digest.intake.prepared import PreparedItem, RejectedEntry
from digest.intake.profile import RecordFeatures, build_record_features

__all__ = [
    "MAX_REWORDINGS",
    "DuplicateScore",
    "ExistingItem",
    "ExistingMention",
    "ExistingRecords",
    "IngestDecision",
    "LookupKeys",
    "MatchResult",
    "ParsedLines",
    "PossiblePair",
    "PreparedItem",
    "RecordFeatures",
    "RejectedEntry",
    "build_record_features",
    "collect_lookup_keys",
    "decide_batch",
    "match_records",
    "normalize_entry",
    "parse_jsonl_items",
    "score_duplicates",
]
