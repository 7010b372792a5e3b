"""Templates are listed, copied to be changed, and never overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from digest.resources import find_resource
from tests.cli.test_commands import run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run("init", ".", folder=tmp_path)
    return tmp_path


def test_a_template_is_copied_once_and_then_told_as_the_workspaces_own(folder: Path) -> None:
    assert run("templates", "copy", "post.md.j2", folder=folder).stdout == "templates: templates/post.md.j2\n"
    assert (folder / "templates/post.md.j2").read_bytes() == (find_resource("templates") / "post.md.j2").read_bytes()
    listed = {row["name"]: row["own"] for row in json.loads(run("templates", "list", "--json", folder=folder).stdout)}
    assert listed["post.md.j2"] is True
    assert listed["issue.html.j2"] is listed["prompts/blurb.txt.j2"] is False
    again = run("templates", "copy", "post.md.j2", folder=folder)
    assert again.returncode == 4
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [("post.md", "did you mean 'post.md.j2'?"), ("../sources.yaml", "digest templates list")],
)
def test_a_name_that_is_no_template_is_told_with_the_nearest(folder: Path, name: str, told: str) -> None:
    done = run("templates", "copy", name, folder=folder)
    assert done.returncode == 2
    assert told in done.stderr
