"""Prompts for the tests of providers."""

from __future__ import annotations

import json

import pytest

from digest.protocols import Prompt


@pytest.fixture
def prompt() -> Prompt:
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "string"}}}}
    user = json.dumps({"items": [{"id": "item-a", "title": "T", "text": "A text."}]})
    return Prompt("judge", "1", "Judge.", user, schema)
