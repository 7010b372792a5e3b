"""Reads a model's words as JSON."""

from __future__ import annotations

import json
import re
from typing import Any

_FENCE = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.S)


def as_json(text: str) -> Any:
    """The JSON of a reply, with or without a code fence around it; None when it is not JSON, as when it was cut."""
    if fenced := _FENCE.match(text):
        text = fenced[1]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
