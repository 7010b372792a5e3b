"""The wheel carries everything: what is installed elsewhere makes a workspace and runs, with no checkout beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, unpacked as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


def run(installed: Path, folder: Path, *words: str) -> str:
    env = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-m", "digest", *words], cwd=folder, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_a_workspace_is_made_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = [sys.executable, "-c", "import digest; print(digest.__file__)"]
    env = os.environ | {"PYTHONPATH": str(installed)}
    found = subprocess.run(where, cwd=tmp_path, env=env, check=True, capture_output=True, text=True).stdout
    assert found.startswith(str(installed))
    run(installed, tmp_path, "init", "w")
    assert {"sources.yaml", "site", "templates"} <= {path.name for path in (tmp_path / "w").iterdir()}
    assert "0 picks" in run(installed, tmp_path / "w", "status")


def test_nothing_of_a_workspace_is_packed(installed: Path) -> None:
    packed = {path.relative_to(installed / "digest" / "shipped").as_posix() for path in installed.rglob("shipped/**/*")}
    assert "site/_layouts/post.html" in packed
    assert not [path for path in packed if path.startswith(("site/_posts", "site/_drafts", "site/feed", "site/_site"))]


def test_the_command_and_the_licences_are_declared(installed: Path) -> None:
    (info,) = installed.glob("*.dist-info")
    assert "digest = digest.__main__:main" in (info / "entry_points.txt").read_text()
    assert {path.name for path in (info / "licenses").iterdir()} == {"LICENSE", "NOTICE"}
