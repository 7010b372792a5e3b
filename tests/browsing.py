"""Chromium, started once for the module that needs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import need_tool


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = need_tool("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()
