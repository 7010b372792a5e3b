"""Reads what a server sent: a model's words as JSON, and nothing of the key that it may have sent back."""

from __future__ import annotations

import json
import re
from typing import Any

_BLOT, _SHORTEST = "***", 6  # a shorter key would blot out ordinary words
_THOUGHT = re.compile(r"^\s*<think(?:ing)?>.*?</think(?:ing)?>", re.S)  # as reasoning models on one's own machine write
_FENCE = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.S)


def as_json(text: str) -> Any:
    """The JSON of a reply, without thoughts before it or a code fence around it; None when it is not, as when cut."""
    text = _THOUGHT.sub("", text, count=1)
    if fenced := _FENCE.match(text):
        text = fenced[1]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def without_key(words: str, key: str) -> str:
    """Words of a server or a proxy, some of which quote the request with all its headers."""
    return words.replace(key, _BLOT) if len(key) >= _SHORTEST else words
