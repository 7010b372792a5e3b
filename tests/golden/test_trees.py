"""Whole sites as the program writes them, as files to be read: `make golden` writes them anew, the diff is the review.

Pictures are named and not kept: their bytes change with the library that draws them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from digest.app import Workspace
from digest.db.key_value import load_value
from tests.golden.story import TREES, tell

GOLDEN = Path(__file__).with_name("trees")
ROOT = Path(__file__).parents[2]
_LISTED = ("_data/words.json",)  # compared with the catalogue elsewhere
ELSEWHERE = {
    "monthly": ("Pacific/Kiritimati", "C", "400"),
    "category": ("America/St_Johns", "POSIX", "3"),
    "month": ("Asia/Kathmandu", "C.UTF-8", "70"),
}


def written(site: Path) -> dict[str, str]:
    """The files of a site that the program wrote, by path: texts whole, the others empty."""
    with Workspace(site.parent) as workspace, workspace.db.read() as session:
        paths = [
            *load_value(session, "site:files")["paths"],
            *(f"_drafts/{p.name}" for p in site.glob("_drafts/*")),
        ]
    kept = [
        path for path in paths if not path.startswith("_drafts/") or path in ("_drafts/2025.md", "_drafts/2025-06.md")
    ]
    return {
        path: "" if path.endswith(".png") or path in _LISTED else (site / path).read_text(encoding="utf-8")
        for path in sorted(kept)
    }


def stored(tree: str) -> dict[str, str]:
    folder = GOLDEN / tree
    texts = {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}
    return dict.fromkeys(texts.pop("FILES").split(), "") | texts


def store(tree: str, files: dict[str, str]) -> None:
    folder = GOLDEN / tree
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in {**files, "FILES": "".join(f"{path}\n" for path in files)}.items():
        if text:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module", params=TREES)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The name of a tree, and its site."""
    return request.param, tell(request.param, tmp_path_factory.mktemp(request.param) / "w")


def test_a_site_looks_as_it_did(told: tuple[str, Path], golden: bool) -> None:
    tree, files = told[0], written(told[1])
    if golden:
        store(tree, files)
    expected = stored(tree)
    assert sorted(files) == sorted(expected)
    assert [path for path in files if files[path] != expected[path]] == [], "`make golden`, and read the diff"


def test_a_site_is_the_same_in_another_zone_locale_hash_seed_and_time(told: tuple[str, Path], tmp_path: Path) -> None:
    tree, here = told
    zone, locale, days = ELSEWHERE[tree]
    environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "LANG": locale, "PYTHONHASHSEED": days}
    command = [sys.executable, "-m", "tests.golden.story", tree, str(tmp_path / "w"), days]
    subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True)
    there = tmp_path / "w" / "site"
    assert written(there) == written(here)
    for path in (path for path in written(here) if path.endswith(".png")):
        assert (here / path).read_bytes() == (there / path).read_bytes(), path
