"""A demo workspace, made once for all the tests of the walk, and copies of it to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from digest.app import Silent
from digest.demo.story import Told, tell


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """The demo's folder and what it told; not to be changed."""
    folder = tmp_path_factory.mktemp("walk") / "demo"
    return folder, tell(folder, Silent())


@pytest.fixture
def workspace_folder(told: tuple[Path, Told], tmp_path: Path) -> Path:
    """A copy of the demo's workspace, to be changed at will."""
    target = tmp_path / "workspace"
    shutil.copytree(told[0], target)
    return target
