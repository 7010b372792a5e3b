"""Shared fixtures and rules: no network but loopback, missing tools are failures under CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from digest.config.schema import Taxonomy
from digest.db.engine import Database
from digest.resources import find_resource
from tests.llm.gemini_server import GeminiServer, running

pytest_plugins = ["tests.walk"]
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite the golden files")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what only the SQLite file can show when the workspaces are on PostgreSQL."""
    if os.environ.get("DIGEST_DATABASE_URL"):
        for item in items:
            if item.get_closest_marker("sqlite"):
                item.add_marker(pytest.mark.skip(reason="of the SQLite file"))


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close each database that a test opened: Python 3.13 warns of those it has to close itself."""
    opened: list[Database] = []
    make = Database.__init__

    def noted(self: Database, path: Path, url: str | None = None) -> None:
        make(self, path, url)
        opened.append(self)

    monkeypatch.setattr(Database, "__init__", noted)
    yield
    for database in opened:
        database.close()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> bool:
    """True when golden files are to be rewritten."""
    return bool(request.config.getoption("--golden"))


def need_tool(name: str) -> str:
    """The path of a program; skips with the reason where it is missing, fails under CI."""
    path = shutil.which(name)
    if path is None:
        reason = f"{name} is not installed (make tools)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture
def chromium() -> str:
    return need_tool("chromium")


@pytest.fixture
def jekyll() -> str:
    return need_tool("jekyll")


@pytest.fixture
def shared_data() -> Path:
    """Real inputs kept outside the project; tests on them skip where the folder is absent."""
    if not SHARED.is_dir():
        pytest.skip("the shared data folder is not here")
    return SHARED


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    """The default taxonomy, as the program ships it."""
    return Taxonomy.model_validate(
        yaml.safe_load(find_resource("sources.yaml").read_text(encoding="utf-8"))["taxonomy"]
    )


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    """A loopback Gemini server."""
    with running() as started:
        yield started
