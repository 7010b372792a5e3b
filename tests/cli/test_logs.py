"""Logs are one JSON object a line with run ids, and hold no secret of the environment."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from digest.cli.output import JsonLogFormatter
from tests.cli.test_commands import run
from tests.ops.workspace import MONTH


def test_each_run_is_told_when_it_begins_and_ends(folder: Path) -> None:
    done = run("--log-format", "json", "check", MONTH, folder=folder)
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == ["begun", "ended"]
    assert lines[0]["run"] == lines[1]["run"]
    assert {"at", "level", "stage", "state", "reason"} <= set(lines[1])


def test_without_being_asked_nothing_is_logged(folder: Path) -> None:
    assert run("rank", MONTH, folder=folder).stderr == ""


def test_secrets_are_blotted_out_wherever_they_stand() -> None:
    secrets = {"GEMINI_API_KEY": "sk-very-secret", "DIGEST_SMTP_PASSWORD": 'pass"word\\é', "MY_HOOK": "https://h/x"}
    form = JsonLogFormatter(secrets | {"HOME": "/home/me", "SHORT_KEY": "abc"})
    record = logging.LogRecord("digest", logging.INFO, "", 0, "at %s", (secrets["MY_HOOK"],), None)
    record.facts = {"reason": f"key sk-very-secret, {secrets['DIGEST_SMTP_PASSWORD']} in /home/me, abc"}
    line = form.format(record)
    assert json.loads(line)["reason"] == "key ***, *** in /home/me, abc"
    assert json.loads(line)["event"] == "at ***"


def test_a_run_with_secrets_in_its_environment_writes_them_nowhere(folder: Path) -> None:
    secret = "sk-never-written-anywhere"
    words = {"DIGEST_SMTP_PASSWORD": secret, "GEMINI_API_KEY": secret, "DIGEST_LOG": "json"}
    for command in (["rank", MONTH], ["publish", MONTH], ["send", MONTH, "--yes"], ["doctor"], ["status"]):
        done = run(*command, folder=folder, **words)
        assert secret not in done.stdout + done.stderr
    for path in folder.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
