"""What a shell asks when a person presses Tab is answered: commands, options, and values from the workspace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from digest.app import initialise

BASH = 'source "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _digest_completion digest; echo "${COMPREPLY[*]}"'


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    initialise(tmp_path)
    (tmp_path / "site" / "_drafts").mkdir(exist_ok=True)
    (tmp_path / "site" / "_drafts" / "2026-10.md").write_text("")
    return tmp_path


def offered(workspace: Path, *words: str) -> list[str]:
    """What bash offers for the last word, by the very script that the program installs."""
    programs = workspace / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "digest").write_text(f'#!/bin/sh\nexec {sys.executable} -m digest "$@"\n')
    (programs / "digest").chmod(0o755)
    environ = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "SCRIPT": str(workspace / "completion.sh")}
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    show = subprocess.run(
        ["digest"], env=environ | {"_DIGEST_COMPLETE": "source_bash"}, capture_output=True, text=True, check=False
    )
    (workspace / "completion.sh").write_text(show.stdout)
    command = [shutil.which("bash") or "bash", "-c", BASH, "bash", "digest", *words]
    done = subprocess.run(command, cwd=workspace, env=environ, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["st"], ["status"]),
        (["subscribers", "co"], ["confirm"]),
        (["status", "--a"], ["--all"]),
        (["draft", ""], ["last", "this", "2026-10"]),
        (["fetch", "open"], ["openai", "openai-videos"]),
        (["run", "--provider", "l"], ["local"]),
    ],
)
def test_tab_completes(workspace: Path, words: list[str], answer: list[str]) -> None:
    assert offered(workspace, *words) == answer


def test_a_workspace_that_cannot_be_read_is_no_reason_to_print_an_error(workspace: Path) -> None:
    (workspace / "sources.yaml").write_text("sources: [")
    assert offered(workspace, "fetch", "open") == []
