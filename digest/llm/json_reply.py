"""Extract JSON from a model's reply; redact keys."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import Any

_REDACTED, _MIN_KEY_LENGTH = "***", 6  # a shorter key would redact ordinary words
_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.S)  # as local reasoning models write
_FENCE = re.compile(r"```(?:json)?\s*([{\[].*?)```", re.S)
_OBJECT_STARTS = (re.compile(r"^[^\S\n]*\{", re.M), re.compile(r"\{"))


def parse_json_reply(text: str) -> Any:
    """Parse the JSON of a reply, ignoring thoughts, a code fence or text around it; None where it is cut."""
    answer = _THOUGHT.sub("", text, count=1)
    fenced = _FENCE.search(answer)
    complete = (text, answer, fenced[1] if fenced else "")
    tails = (answer[match.end() - 1 :] for start in _OBJECT_STARTS if (match := start.search(answer)))
    tries = chain(map(_try_load, complete), (_try_load(tail, is_prefix=True) for tail in tails))
    return next((data for data in tries if data is not None), None)


def _try_load(text: str, *, is_prefix: bool = False) -> Any:
    try:
        return json.JSONDecoder().raw_decode(text)[0] if is_prefix else json.loads(text)
    except (ValueError, RecursionError):
        return None


def redact_key(text: str, key: str) -> str:
    """Remove a key from the text of a server or a proxy, which may quote the request with its headers."""
    return text.replace(key, _REDACTED) if len(key) >= _MIN_KEY_LENGTH else text
