"""A draft's line with words typed before its comment: drafted, checked and approved, the words stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.app import Workspace
from tests.web.workspace import PERIOD, make, opened, sheet_file


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("heard") / "workspace")


@pytest.mark.parametrize("mark", ["[ ]", "[x]"])
def test_text_typed_before_a_lines_comment_stay_through_each_draft(made: Path, mark: str) -> None:
    with opened(made) as workspace:
        path = sheet_file(made)
        text = path.read_text(encoding="utf-8")
        line = next(line for line in text.split("\n") if line.startswith("- [ ]"))
        path.write_text(text.replace(line, line.replace("[ ]", mark).replace(" <!--", " Zephyrs, mine. <!--")))
        again = _drafted(workspace, path)
        assert again.count("Zephyrs, mine.") == text.count("Zephyrs, mine.") + 1
        assert _drafted(workspace, path) == again


def _drafted(workspace: Workspace, path: Path) -> str:
    workspace.draft(PERIOD)
    return path.read_text(encoding="utf-8")
