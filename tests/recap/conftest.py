"""The demo's workspace, and a loopback server that speaks the Gemini API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.llm.gemini_server import GeminiServer, running
from tests.walk import jekyll_site, told, workspace_folder

__all__ = ["jekyll_site", "told", "workspace_folder"]


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with running() as gemini:
        yield gemini
