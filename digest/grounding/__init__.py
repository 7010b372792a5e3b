"""Grounding: blurbs quoted from a source, and the check that a sentence says nothing its source does not."""

from digest.grounding.check import Flag, Source, check, source_of, supported
from digest.grounding.hostile import plain_model_text, sanitise_for_prompt
from digest.grounding.injection import looks_injected
from digest.grounding.quote import quote

__all__ = [
    "Flag",
    "Source",
    "check",
    "looks_injected",
    "plain_model_text",
    "quote",
    "sanitise_for_prompt",
    "source_of",
    "supported",
]
