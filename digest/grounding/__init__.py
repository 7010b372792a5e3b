"""Grounding: blurbs quoted from a source, and the check that a sentence says nothing its source does not."""

from digest.grounding.check import (
    GroundingFlag,
    GroundingSource,
    check_grounding,
    is_quotation_supported,
    prepare_grounding_source,
)
from digest.grounding.quote import extract_quote

__all__ = [
    "GroundingFlag",
    "GroundingSource",
    "check_grounding",
    "extract_quote",
    "is_quotation_supported",
    "prepare_grounding_source",
]
