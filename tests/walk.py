"""A demo workspace, made once for the tests that walk the whole program, and copies of it to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from digest import jekyll
from digest.demo.story import Told, tell
from digest.ports import Silent
from tests.conftest import need_tool


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """The demo's folder and what it told; not to be changed."""
    folder = tmp_path_factory.mktemp("walk") / "demo"
    return folder, tell(folder, Silent())


@pytest.fixture(scope="session")
def jekyll_site(told: tuple[Path, Told]) -> Path:
    """The demo's site as Jekyll builds it."""
    need_tool("jekyll")
    return jekyll.build(told[0] / "site")


@pytest.fixture
def workspace_folder(told: tuple[Path, Told], tmp_path: Path) -> Path:
    """A copy of the demo's workspace, to be changed at will."""
    target = tmp_path / "workspace"
    shutil.copytree(told[0], target)
    return target
