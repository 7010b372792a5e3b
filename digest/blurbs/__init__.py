"""Grounding: blurbs quoted from a source, and the check that a sentence says nothing its source does not."""

__all__ = [
    "GroundingFlag",
    "GroundingSource",
    "check_grounding",
    "extract_quote",
    "is_quotation_supported",
    "prepare_grounding_source",
]
