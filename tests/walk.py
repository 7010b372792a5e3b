"""A demo workspace, made once for the tests that walk the whole program, and copies of it to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.demo import DemoResult, run_demo
from digest.protocols import NullProgress
from digest.publishing.jekyll import build_site
from tests.conftest import need_tool
from tests.postgres import copy_workspace


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoResult]:
    """The demo's folder and what it told; not to be changed."""
    folder = tmp_path_factory.mktemp("walk") / "demo"
    return folder, run_demo(folder, NullProgress())


@pytest.fixture(scope="session")
def jekyll_site(told: tuple[Path, DemoResult]) -> Path:
    """The demo's site as Jekyll builds it."""
    need_tool("jekyll")
    return build_site(told[0] / "site")


@pytest.fixture
def workspace_folder(told: tuple[Path, DemoResult], tmp_path: Path) -> Path:
    """A copy of the demo's workspace, to be changed at will."""
    return copy_workspace(told[0], tmp_path / "workspace")
