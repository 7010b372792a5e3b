"""The workspaces of a service: found, added, and described in one line each; one that is broken hides no other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli import app, register_commands
from digest.errors import CheckFailedError, ConfigError
from digest.ops.workspace import WorkspaceAnswers
from digest.ops.workspaces import add_workspace, find_workspaces, list_workspaces
from tests.ops.workspace import MONTH, NOW, made, opened


@pytest.fixture
def service(tmp_path: Path) -> Path:
    place = tmp_path / "workspaces"
    for name in ("energy", "law"):
        add_workspace(place, name, WorkspaceAnswers(title=f"{name} digest"))
    return place


def show(*arguments: str) -> str:
    register_commands()
    done = CliRunner().invoke(app, ["workspaces", *arguments], env={"DIGEST_NOW": NOW.isoformat()})
    assert done.exit_code == 0, done.output
    return done.output


def test_the_newsletters_are_listed_and_a_broken_file_is_named(service: Path) -> None:
    (service / "law" / "sources.yaml").write_text("newsletter: {titel: x}\n")
    energy, law = list_workspaces(service)
    assert (energy.name, energy.title, energy.problem) == ("energy", "energy digest", "")
    assert law.name == "law"
    assert "titel" in law.problem


def test_a_workspace_is_added_once_and_under_a_plain_name(service: Path) -> None:
    with pytest.raises(CheckFailedError, match="exists already"):
        add_workspace(service, "law")
    for name in ("../law", "Law", "a b", "", "-x"):
        with pytest.raises(ConfigError, match="is no name of a workspace"):
            add_workspace(service, name)
    assert sorted(path.name for path in service.iterdir()) == ["energy", "law"]


def test_a_workspace_is_added_to_the_file_that_lists_them(service: Path) -> None:
    listed = service / "list.txt"
    listed.write_text("# ours\nenergy")
    add_workspace(listed, "chemistry")
    assert listed.read_text() == "# ours\nenergy\nchemistry\n"
    assert [*find_workspaces(listed)] == ["energy", "chemistry"]


def test_the_status_screen_has_a_line_a_workspace_with_problems_first(service: Path) -> None:
    (service / "law" / "sources.yaml").write_text("newsletter: [\n")
    with opened(made(service / "small")) as workspace:
        workspace.add_jsonl(service / "small" / "month.jsonl")
        workspace.tag()
        workspace.rank(MONTH)
        workspace.draft(MONTH)
        picks = workspace.status().issues[0].picks
    lines = show("status", "--workspaces", str(service)).splitlines()
    assert lines[0] == "3 workspaces, 16 items; 1 with a problem"
    assert [line.split()[0] for line in lines[1:]] == ["workspace", "law", "energy", "small"]
    assert "sources.yaml" in lines[2]
    assert f"{MONTH} draft, {picks} picks" in lines[4]
    assert "fetch 2026-02 due 2026-02-04 07:00 CET" in lines[4]
    law, energy, small = json.loads(show("status", "--workspaces", str(service), "--json"))
    assert (law["items"], energy["items"], small["items"]) == (0, 0, 16)
    assert law["problem"]
    assert not energy["problem"]


def test_a_folder_without_workspaces_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no workspace") as refused:
        find_workspaces(tmp_path)
    assert "digest workspaces add" in refused.value.hint


def test_fifty_workspaces_fit_one_screen(tmp_path: Path) -> None:
    """A line each, however many mistakes a sources.yaml has."""
    config = made(tmp_path / "w00") / "sources.yaml"
    for number in range(1, 50):
        root = tmp_path / f"w{number:02d}"
        root.mkdir()
        shutil.copy(config, root)
    (tmp_path / "w07" / "sources.yaml").write_text("model: {}\n")
    lines = show("status", "--workspaces", str(tmp_path)).splitlines()
    assert len(lines) == 52
    assert lines[2].split()[0] == "w07"
    assert max(map(len, lines)) <= 200
