"""Every command is documented, answers for itself, starts at once, and fails with a message, a cure and a code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from digest.cli import register_commands
from digest.cli.options import app
from digest.db.engine import DATABASE_URL_ENV

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ROOT / "docs" / "commands.md"


def run(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does, in a process of its own."""
    removed = ("DIGEST_", "GEMINI_", "GOOGLE_")
    env = {k: v for k, v in os.environ.items() if k == DATABASE_URL_ENV or not k.startswith(removed)} | environment
    return subprocess.run(
        [sys.executable, "-m", "digest", *words], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def commands(group: object, before: str = "digest") -> Iterator[tuple[str, str]]:
    """Each command's full name and help."""
    for name, command in sorted(group.commands.items()):  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}", command.help or ""


register_commands()
ALL = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("name", "text"), ALL, ids=[name for name, _ in ALL])
def test_each_command_has_help_with_an_example_and_is_in_the_documentation(name: str, text: str) -> None:
    assert name in re.sub("-w [a-z]+ ", "", text.split("Examples:\n")[1])
    assert re.search(rf"^###? {name}$", COMMANDS.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_help_names_every_command_under_a_heading_and_cuts_no_line(tmp_path: Path) -> None:
    lines = run("--help", folder=tmp_path, COLUMNS="80").stdout.splitlines()
    assert {"Start:", "Gather:", "Sort:", "Edit:", "Publish:", "Mail:", "Operate:"} <= set(lines)
    assert not [line for line in lines if (line.endswith("...") and "ARGS" not in line) or line == "Commands:"]
    for name, text in ALL:
        assert len(text.splitlines()[0]) <= 60, name


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, contextlib, io\n"
        "sys.argv = ['digest', '--help']\n"
        "from digest.__main__ import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main()\n"
        "print(' '.join(m for m in ('sqlmodel', 'pydantic', 'numpy', 'httpx', 'google', 'yaml', 'jinja2', 'lxml')"
        " if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == ""


def test_a_folder_that_is_no_workspace_is_named_with_the_cure(tmp_path: Path) -> None:
    done = run("status", folder=tmp_path)
    assert done.returncode == 2
    assert "sources.yaml is not in" in done.stderr
    assert "digest init" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("words", "said"), [("draft 2026-13", "is not a period"), ("run 2026", "`digest recap 2026`")])
def test_a_wrong_period_is_a_usage_error_and_leaves_no_trace(tmp_path: Path, words: str, said: str) -> None:
    run("init", ".", folder=tmp_path)
    done = run(*words.split(), folder=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert not list((tmp_path / "site").glob("_drafts/*"))


def test_publishing_what_nobody_drafted_is_told(tmp_path: Path) -> None:
    run("init", ".", folder=tmp_path)
    done = run("publish", "2026-01", folder=tmp_path)
    assert done.returncode == 2
    assert re.search(r"there is no issue 2026-01\n.*digest draft 2026-01", done.stderr)


def test_init_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("mine: true\n")
    done = run("init", ".", folder=tmp_path)
    assert done.returncode == 0
    assert "1 left unchanged" in done.stdout
    assert (tmp_path / "sources.yaml").read_text() == "mine: true\n"
    assert (tmp_path / "site" / "_layouts").is_dir()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell_can_be_shown(tmp_path: Path, shell: str) -> None:
    done = run("--show-completion", shell, folder=tmp_path, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0
    assert "_DIGEST_COMPLETE" in done.stdout


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert re.match(r"digest \d+\.\d+\.\d+", run("--version", folder=tmp_path).stdout)


def _named_in_the_code() -> Iterator[str]:
    """Each command that a message, a hint or a docstring of the program names, without what is filled in."""
    for file in sorted((ROOT / "digest").rglob("*.py")):
        for found in re.findall(r"`digest ([^`\n]+)`", file.read_text(encoding="utf-8")):
            yield re.sub(r"\{[^{}]*\}", "X", found)


@pytest.mark.parametrize("told", sorted(set(_named_in_the_code()) - {"--help"}))
def test_every_command_that_the_program_advises_exists_with_its_options(told: str) -> None:
    command: object = typer.main.get_command(app)
    for word in told.split():
        if word.startswith("-"):
            assert word in {name for option in command.params for name in option.opts}  # type: ignore[attr-defined]
        elif hasattr(command, "commands"):
            command = command.commands[word]
