"""Which work is this, and is it new? Cleaning, identity, decisions and possible duplicates, as values."""

from __future__ import annotations

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
