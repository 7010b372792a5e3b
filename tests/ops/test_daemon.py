"""`digest schedule` stays: it does what is due in time, through sleep and clock changes, beside others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import col, select

from digest.app import Workspace
from digest.models.runs import Run
from digest.scheduler import build_scheduler
from tests.ops.workspace import configure, made, opened
from tests.workbench import Clock

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 2, 5, 9, tzinfo=UTC)
FIRST = {"due:fetch": 1, "due:refresh": 1, "due:draft": 1}


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    folder = made(tmp_path / "w")
    with opened(folder, NOW) as workspace:
        workspace.add_jsonl(folder / "month.jsonl")
    return folder


def ended(workspace: Workspace, state: str = "done") -> Counter[str]:
    with workspace.db.read() as session:
        query = select(Run.stage).where(col(Run.stage).startswith("due:"), Run.state == state)
        return Counter(session.exec(query))


def until(workspace: Workspace, wanted: dict[str, int], state: str = "done") -> None:
    """Wait for just these runs; more than those, or none within a minute, fails."""
    for _ in range(1200):
        found = ended(workspace, state)
        if found == wanted:
            return
        assert all(found[name] <= wanted.get(name, 0) for name in found), found
        time.sleep(0.05)
    raise AssertionError(ended(workspace, state))


@contextmanager
def staying(workspace: Workspace) -> Iterator[None]:
    """A scheduler in a thread of its own, looking twenty times a second."""
    waiting = build_scheduler(workspace, 0.05)
    thread = threading.Thread(target=waiting.start)
    thread.start()
    try:
        yield
    finally:
        waiting.shutdown(wait=True)
        thread.join()


def moved(clock: Clock, **length: float) -> None:
    """Move the clock, and give the scheduler some looks at it."""
    clock.forward(**length)
    time.sleep(0.5)


def test_what_was_missed_in_a_week_of_sleep_is_done_once(ready: Path) -> None:
    clock = Clock(NOW)
    with Workspace(ready, clock=clock) as workspace, staying(workspace):
        until(workspace, FIRST)
        moved(clock, hours=20)
        assert ended(workspace) == FIRST
        clock.forward(days=7)
        until(workspace, FIRST | {"due:fetch": 2, "due:refresh": 2})
        moved(clock, minutes=30)
        assert ended(workspace) == FIRST | {"due:fetch": 2, "due:refresh": 2}


@pytest.mark.parametrize("day", [datetime(2026, 3, 28, 7, tzinfo=UTC), datetime(2026, 10, 24, 7, tzinfo=UTC)])
def test_days_on_which_clocks_change_have_one_fetch_each(tmp_path: Path, day: datetime) -> None:
    clock = Clock(day)
    with Workspace(made(tmp_path / "w"), clock=clock) as workspace, staying(workspace):
        for fetches in (1, 2, 3):  # Madrid's clocks go forward or back in the second night
            while ended(workspace)["due:fetch"] < fetches:
                time.sleep(0.05)
            for _ in range(3):
                assert ended(workspace)["due:fetch"] == fetches
                moved(clock, hours=8)


def test_a_failed_draft_is_tried_again_after_its_pause_and_no_sooner(tmp_path: Path) -> None:
    clock, folder = Clock(NOW), made(tmp_path / "empty")
    with Workspace(folder, clock=clock) as workspace, staying(workspace):
        until(workspace, {"due:draft": 1}, "refused")
        moved(clock, minutes=14)
        assert ended(workspace, "refused") == {"due:draft": 1}
        clock.forward(minutes=2)
        until(workspace, {"due:draft": 2}, "refused")
        workspace.add_jsonl(folder / "month.jsonl")
        clock.forward(minutes=31)
        until(workspace, FIRST)


def test_two_daemons_do_the_work_of_one_and_end_when_told(ready: Path) -> None:
    environ = os.environ | {"DIGEST_NOW": NOW.isoformat(), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "digest", "-w", str(ready), "schedule"]
    daemons = [subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        with opened(ready, NOW) as workspace:
            until(workspace, FIRST)
    finally:
        time.sleep(0.5)
        for daemon in daemons:
            daemon.send_signal(signal.SIGTERM)
        told = [daemon.communicate(timeout=60)[1] for daemon in daemons]
    assert [daemon.returncode for daemon in daemons] == [0, 0]
    assert "".join(told).count("due:draft: ") == 1
    with opened(ready, NOW) as workspace:
        assert ended(workspace) == FIRST
        assert ended(workspace, "running") == {}


def test_a_command_that_is_told_to_end_closes_its_run_and_says_how_to_go_on(tmp_path: Path) -> None:
    folder = made(tmp_path / "w")
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/feed"
        configure(folder, sources=[{"id": "deaf", "kind": "feed", "url": url, "allow_private": True}])
        environ = os.environ | {"DIGEST_NOW": NOW.isoformat(), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "digest", "-w", str(folder), "run", "2026-01"]
        process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
        deaf.settimeout(60)
        deaf.accept()[0].close()  # it has begun to ask
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert told.startswith("digest: stopped; committed work is stored")
    with opened(folder, NOW) as workspace:
        assert {row.state for row in workspace.runs(5)} == {"interrupted"}
