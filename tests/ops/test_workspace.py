"""`digest init` asks five things at a terminal, and what it writes is a configuration that editors can check."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from digest.app import Workspace
from digest.config.schema import Config
from digest.errors import ConfigError
from digest.ops.workspace import WorkspaceAnswers, apply_answers, create_workspace, render_schema
from digest.resources import find_resource

SHIPPED = find_resource("sources.yaml").read_text(encoding="utf-8")
ANSWERS = WorkspaceAnswers(
    title='Ada\'s "reading": #1', url="https://ada.example", interests="agents, tools", email="ada@ada.example"
)


def test_answers_change_their_lines_and_nothing_else() -> None:
    text = apply_answers(SHIPPED, ANSWERS)
    changed = [after for before, after in zip(SHIPPED.splitlines(), text.splitlines(), strict=True) if before != after]
    assert [line.split(":")[0].strip() for line in changed] == ["title", "email", "url", "interests"]
    newsletter = yaml.safe_load(text)["newsletter"]
    assert (newsletter["title"], newsletter["url"]) == (ANSWERS.title, ANSWERS.url)
    assert "# where site/ is published" in text


def test_no_answer_is_the_shipped_file() -> None:
    assert apply_answers(SHIPPED, WorkspaceAnswers()) == SHIPPED


def test_an_answer_that_is_no_address_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sources.yaml:\d+.*http"):
        create_workspace(tmp_path / "news", WorkspaceAnswers(url="ada.example"))
    assert not (tmp_path / "news").exists()


def test_the_schema_describes_every_key_of_the_configuration() -> None:
    schema = json.loads(render_schema())
    assert set(schema["properties"]) == set(Config.model_fields)
    undescribed = [
        f"{name}.{key}"
        for name, part in schema["$defs"].items()
        for key, value in part.get("properties", {}).items()
        if "description" not in value
    ]
    assert undescribed == []


def test_init_asks_at_a_terminal_and_yes_asks_nothing(tmp_path: Path) -> None:
    def init(folder: Path, *options: str) -> str:
        parent, child = pty.openpty()
        command = [sys.executable, "-m", "digest", "init", str(folder), *options]
        with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, cwd=tmp_path) as process:
            os.close(child)
            os.write(parent, b"Ada reads\n\n\nada@ada.example\nsmtp.ada.example\n")
            shown = b""
            while True:
                try:
                    shown += os.read(parent, 4096)
                except OSError:  # the terminal closes with the process
                    break
            assert process.wait() == 0, shown.decode()
        os.close(parent)
        return (folder / "sources.yaml").read_text(encoding="utf-8")

    asked = yaml.safe_load(init(tmp_path / "asked"))
    assert asked["newsletter"]["title"] == "Ada reads"
    assert (asked["newsletter"]["email"], asked["mail"]["host"]) == ("ada@ada.example", "smtp.ada.example")
    assert yaml.safe_load(init(tmp_path / "silent", "--yes")) == yaml.safe_load(SHIPPED)


def test_secrets_of_the_workspace_s_env_file_are_read_and_override_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_workspace(tmp_path)
    (tmp_path / ".env").write_text("DIGEST_SMTP_USER=ada\nDIGEST_SMTP_PASSWORD=from-file\n", encoding="utf-8")
    monkeypatch.setenv("DIGEST_SMTP_USER", "")
    monkeypatch.delenv("DIGEST_SMTP_USER")
    monkeypatch.setenv("DIGEST_SMTP_PASSWORD", "from-environment")
    before = (tmp_path / ".env").read_bytes()
    with Workspace(tmp_path) as workspace:
        environment = workspace.context.environ
        assert (environment["DIGEST_SMTP_USER"], environment["DIGEST_SMTP_PASSWORD"]) == ("ada", "from-environment")
    assert (tmp_path / ".env").read_bytes() == before
