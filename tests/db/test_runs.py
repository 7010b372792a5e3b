"""Runs that never ended: told from those still at work by the process that opened them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.db.engine import Database
from digest.db.runs import load_latest_runs, start_run
from digest.models.runs import Run

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
JUDGE = """
import sys, time
from pathlib import Path
from digest.context import record_run
from tests.workbench import context
with record_run(context(Path(sys.argv[1]), []), "judge"):
    print("begun", flush=True)
    time.sleep(60)
"""


def states(database: Database) -> dict[str, str]:
    with database.read() as session:
        return {run.stage: run.state for run in load_latest_runs(session)}


def test_a_killed_process_s_run_is_closed_by_the_next_run_and_a_living_one_s_is_not(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", JUDGE, str(tmp_path)]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        database = Database(tmp_path / "digest.db")
        with database.write() as session:
            start_run(session, "tag", None, NOW)
        assert states(database) == {"judge": "running", "tag": "running"}
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    with database.write() as session:
        start_run(session, "rank", None, NOW)
    assert states(database) == {"judge": "interrupted", "tag": "running", "rank": "running"}


@pytest.mark.parametrize(
    ("owner", "age", "state"),
    [
        ("elsewhere/1/a", timedelta(hours=23), "running"),
        ("elsewhere/1/a", timedelta(hours=25), "interrupted"),
        (f"{os.uname().nodename}/{os.getpid()}-earlier", timedelta(minutes=1), "interrupted"),
        (f"{os.uname().nodename}/{os.getppid()}-a", timedelta(days=3), "running"),
        ("", timedelta(days=3), "interrupted"),
    ],
    ids=["elsewhere, lately", "elsewhere, long ago", "an earlier container's", "alive", "unknown"],
)
def test_who_opened_a_run_says_whether_it_is_over(tmp_path: Path, owner: str, age: timedelta, state: str) -> None:
    database = Database(tmp_path / "digest.db")
    with database.write() as session:
        session.add(Run(stage="backfill", started=NOW - age, owner=owner))
    with database.write() as session:
        start_run(session, "rank", None, NOW)
    assert states(database)["backfill"] == state
