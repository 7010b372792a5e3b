"""Reads what a server sent: a model's words as JSON, and nothing of the key that it may have sent back."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import Any

_REDACTED, _MIN_KEY_LENGTH = "***", 6  # a shorter key would blot out ordinary words
_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.S)  # as reasoning models on one's own machine write
_FENCE = re.compile(r"```(?:json)?\s*([{\[].*?)\s*```", re.S)
_OBJECT_STARTS = (re.compile(r"^\s*\{", re.M), re.compile(r"\{"))


def parse_json_reply(text: str) -> Any:
    """The JSON of a reply, without thoughts before it, a code fence or words around it; None where it is cut."""
    answer = _THOUGHT.sub("", text, count=1)
    fenced = _FENCE.search(answer)
    wholes = (text, answer, fenced[1] if fenced else "")
    parts = (answer[found.end() - 1 :] for beginning in _OBJECT_STARTS if (found := beginning.search(answer)))
    tries = chain((_try_load(whole) for whole in wholes), (_try_load(part, whole=False) for part in parts))
    return next((data for data in tries if data is not None), None)


def _try_load(text: str, *, whole: bool = True) -> Any:
    try:
        return json.loads(text) if whole else json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def redact_key(text: str, key: str) -> str:
    """Words of a server or a proxy, some of which quote the request with all its headers."""
    return text.replace(key, _REDACTED) if len(key) >= _MIN_KEY_LENGTH else text
