"""Grounding: blurbs quoted from a source, and the check that a sentence says nothing its source does not."""

from digest.grounding.quote import quote

__all__ = ["quote"]
