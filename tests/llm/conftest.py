"""A loopback server, and prompts to send it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from digest.protocols import Prompt
from tests.llm.gemini_server import GeminiServer, running


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with running() as found:
        yield found


@pytest.fixture
def prompt() -> Prompt:
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "string"}}}}
    user = json.dumps({"items": [{"id": "item-a", "title": "T", "text": "A text."}]})
    return Prompt("judge", "1", "Judge.", user, schema)
