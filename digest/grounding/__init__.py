"""Grounding: blurbs quoted from a source, and the check that a sentence says nothing its source does not."""

from digest.grounding.check import Flag, Source, check, source_of, supported
from digest.grounding.quote import quote

__all__ = ["Flag", "Source", "check", "quote", "source_of", "supported"]
