"""The acceptance of many workspaces, in small: two of them for two nights and an issue, a kill and a restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import find_programs

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--workspaces", "2", "--nights", "2", "--kills", "1", "--frozen", "0", "--json")


@pytest.mark.slow
def test_a_month_of_workspaces_ends_as_on_sqlite_in_one_process() -> None:
    done = play()
    if find_programs() is None and os.environ.get("CI") != "true":
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    checks = json.loads(done.stdout.splitlines()[-1])
    assert len(checks) == 8
    assert [line for line, (holds, _) in checks.items() if not holds] == []


def test_without_postgresql_the_acceptance_says_so_and_fails_only_in_ci(tmp_path: Path) -> None:
    for module in ("tests.scale", "tests.postgres", "tests.bench.scale"):
        for environment, code in (({}, 0), ({"CI": "true"}, 1)):
            done = play(module, (), {"DIGEST_POSTGRES_PROGRAMS": str(tmp_path), "CI": "", **environment})
            assert (done.returncode, "PostgreSQL is not installed" in done.stdout) == (code, True), done.stderr


def play(
    module: str = "tests.scale", arguments: tuple[str, ...] = SMALL, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    values = {**os.environ, **(environment or {})}
    return subprocess.run(command, cwd=ROOT, env=values, capture_output=True, text=True, check=False)
