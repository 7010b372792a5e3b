"""A loopback server that speaks the Gemini API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.llm.gemini_server import GeminiServer, running


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with running() as gemini:
        yield gemini
