"""One small workspace for the tests of operations, made once, and copies of it to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.workspace import drafted
from tests.postgres import copy_workspace


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    return drafted(tmp_path_factory.mktemp("small") / "workspace")


@pytest.fixture
def folder(small: Path, tmp_path: Path) -> Path:
    """A copy, to be changed at will."""
    return copy_workspace(small, tmp_path / "workspace")
