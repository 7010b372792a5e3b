"""Reads what a server sent: a model's words as JSON, and nothing of the key that it may have sent back."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import Any

_BLOT, _SHORTEST = "***", 6  # a shorter key would blot out ordinary words
_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.S)  # as reasoning models on one's own machine write
_FENCE = re.compile(r"```(?:json)?\s*([{\[].*?)\s*```", re.S)
_BEGINNINGS = (re.compile(r"^\s*\{", re.M), re.compile(r"\{"))


def as_json(text: str) -> Any:
    """The JSON of a reply, without thoughts before it, a code fence or words around it; None where it is cut."""
    answer = _THOUGHT.sub("", text, count=1)
    fenced = _FENCE.search(answer)
    wholes = (text, answer, fenced[1] if fenced else "")
    parts = (answer[found.end() - 1 :] for beginning in _BEGINNINGS if (found := beginning.search(answer)))
    tries = chain((_loaded(whole) for whole in wholes), (_loaded(part, whole=False) for part in parts))
    return next((data for data in tries if data is not None), None)


def _loaded(text: str, *, whole: bool = True) -> Any:
    try:
        return json.loads(text) if whole else json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def without_key(words: str, key: str) -> str:
    """Words of a server or a proxy, some of which quote the request with all its headers."""
    return words.replace(key, _BLOT) if len(key) >= _SHORTEST else words
