"""Venue of a paper by its authors' comment; most never fill in a journal reference."""

from __future__ import annotations

import re

from digest.text import normalise_line

_MAX_LENGTH = 60  # characters; a longer one is a sentence on something else
_ACCEPTED_AT = re.compile(
    r"\b(?:accepted|to appear|published|to be published|to be presented|presented)\b(?! manuscript| version)"
    r"(?: paper| article)?(?: for (?:publication|presentation|oral presentation|inclusion))?"
    r"(?: as an? [\w -]{3,30}?(?: paper| presentation| poster)?)?"
    r" (?:at|to|by|in|for)(?: the)?(?: main)?(?: proceedings of)?(?: the)?\s+"
    r"(?P<venue>[A-Z0-9][^.;,(\n]*)(?P<behind>.*)",
    re.I,
)
_SHORT_NAME = re.compile(
    r"\(([A-Z][\w&/@ '’-]{1,24}?\d\d)\)"
)  # International Conference on Machine Learning (ICML 2026)
_TRAILING_TEXT = re.compile(
    r"\s(?:as an?|with|code|project|arxiv|https?:|github|\d+ (?:pages|figures)|available)\b.*", re.I
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|['’]\d\d\b")


def extract_venue(comment: str | None) -> str:
    """Extract `ACL 2025` from `Accepted at ACL 2025 (Findings)`; empty without a venue and its year."""
    match = _ACCEPTED_AT.search(normalise_line(comment or ""))
    if match is None:
        return ""
    short = _SHORT_NAME.match(match["behind"])
    venue = short[1] if short else _TRAILING_TEXT.sub("", match["venue"]).strip(" -–:")
    return venue if venue[:1].isupper() and _YEAR.search(venue) and len(venue) <= _MAX_LENGTH else ""
