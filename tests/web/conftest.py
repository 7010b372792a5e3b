"""One drafted workspace for all tests of the desk, a copy for each, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from digest.web.server import DeskServer
from tests.browsing import browser
from tests.postgres import copy_workspace
from tests.web import workspace

__all__ = ["browser"]


@pytest.fixture(scope="session")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    return workspace.make(tmp_path_factory.mktemp("desk") / "workspace")


@pytest.fixture
def root(drafted: Path, tmp_path: Path) -> Path:
    """A copy of the workspace, to be changed at will."""
    return copy_workspace(drafted, tmp_path / "workspace")


@pytest.fixture
def desk(root: Path) -> Iterator[DeskServer]:
    with workspace.desk(root) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of 1280 pixels that fails its test when the browser complains."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    context.set_default_timeout(15_000)
    expect.set_options(timeout=20_000)
    said: list[str] = []
    opened.on("pageerror", lambda error: said.append(str(error)))
    yield opened
    context.close()
    assert said == []
