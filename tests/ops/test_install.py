"""What cron, systemd and GitHub Actions are given runs as it stands, in folders of any name, and is quiet when idle."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from digest.config.schema import Cadence
from digest.errors import ConfigError
from digest.ops.install import render_schedule_files
from tests.ops.workspace import made

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "digest"]
BARE = {"PATH": "/usr/bin:/bin", "LANG": "C", "SHELL": "/bin/sh", "PYTHONPATH": str(ROOT)}


def lines(form: str, root: Path, program: list[str] | None = None) -> list[str]:
    documents = render_schedule_files(form, root, program or ["/usr/bin/digest"], Cadence(fetch_hour_utc=9))
    return "".join(document.body.decode() for document in documents).splitlines()


def test_the_line_for_cron_runs_without_home_terminal_or_words_for_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path / "o'brien & news")
    *comments, line = lines("cron", folder, PROGRAM)
    assert all(comment.startswith("#") for comment in comments)
    moment, command = line.split(" ")[:5], line.split(" ", 5)[5]
    assert moment == ["*/15", "*", "*", "*", "*"]
    environ = BARE | {"DIGEST_NOW": "2026-02-03T05:00:00+00:00"}
    first, second = (
        subprocess.run(["/bin/sh", "-c", command], env=environ, cwd="/", capture_output=True, text=True, check=False)
        for _ in range(2)
    )
    assert (first.returncode, first.stdout) == (1, "")  # a month without an item is red
    assert "digest backfill 2025-12" in first.stderr
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")  # it waits, and says nothing


def test_systemd_is_told_the_command_and_takes_the_units(tmp_path: Path) -> None:
    text = lines("systemd", Path("/srv/my news"))
    assert "ExecStart=/usr/bin/digest -w '/srv/my news' run --due" in text
    assert "WorkingDirectory=/srv/my news" in text
    assert "SuccessExitStatus=3" in text  # one source out of reach each night is not a failed unit each night
    if shutil.which("systemd-analyze") is None:
        return
    for document in render_schedule_files("systemd", tmp_path, ["/bin/true"], Cadence()):
        (tmp_path / Path(document.path).name).write_bytes(document.body)
    units = [str(tmp_path / f"digest.{kind}") for kind in ("service", "timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if str(tmp_path) in line] == []


@pytest.mark.parametrize(("form", "name"), [("cron", "100%"), ("systemd", "100%"), ("systemd", "$x"), ("cron", "a\nb")])
def test_a_folder_they_would_read_otherwise_is_refused(form: str, name: str) -> None:
    with pytest.raises(ConfigError, match="is special to"):
        render_schedule_files(form, Path("/srv") / name, ["digest"], Cadence())
