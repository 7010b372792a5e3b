"""Locks between processes: one holder at a time, pauses are kept, and the lock of a dead process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.db.engine import Database
from digest.db.locks import DatabaseHostLock, hold_lock

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

HOLDER = """
import sys, time
from pathlib import Path
from digest.db.engine import Database
from digest.db.locks import hold_lock
with hold_lock(Database(Path(sys.argv[1])), "fetch") as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "digest.db")


def test_a_site_has_one_holder_and_the_pause_begins_when_it_is_given_back(db: Database) -> None:
    clock = Clock()
    one, other = DatabaseHostLock(db, clock), DatabaseHostLock(db, clock)
    assert one.claim("arxiv.org", 60) == 0
    assert other.claim("arxiv.org", 60) > 0
    clock.tick(10)
    one.release("arxiv.org", 3)
    assert other.claim("arxiv.org", 60) == 3
    assert one.claim("arxiv.org", 60) == 3
    clock.tick(3)
    assert other.claim("arxiv.org", 60) == 0
    assert one.claim("arxiv.org", 60) > 0


def test_a_holder_that_died_holds_no_longer_than_it_asked_for(db: Database) -> None:
    clock = Clock()
    assert DatabaseHostLock(db, clock).claim("arxiv.org", 60) == 0
    clock.tick(60)
    assert DatabaseHostLock(db, clock).claim("arxiv.org", 60) == 0


def test_one_site_does_not_wait_for_another(db: Database) -> None:
    clock = Clock()
    assert DatabaseHostLock(db, clock).claim("arxiv.org", 60) == 0
    assert DatabaseHostLock(db, clock).claim("example.org", 60) == 0


def test_giving_back_what_another_has_taken_over_changes_nothing(db: Database) -> None:
    clock = Clock()
    late, holder = DatabaseHostLock(db, clock), DatabaseHostLock(db, clock)
    late.claim("arxiv.org", 1)
    clock.tick(2)
    holder.claim("arxiv.org", 60)
    late.release("arxiv.org", 0)
    assert late.claim("arxiv.org", 60) > 0


def test_work_has_one_holder_and_is_free_when_it_ends(db: Database, tmp_path: Path) -> None:
    other = Database(tmp_path / "digest.db")
    with hold_lock(db, "backfill:arxiv") as first, hold_lock(other, "backfill:arxiv") as second:
        assert (first, second) == (True, False)
        with hold_lock(other, "fetch") as unrelated:
            assert unrelated
    with hold_lock(other, "backfill:arxiv") as free:
        assert free


def test_the_lock_of_a_killed_process_ends_with_it(db: Database, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "digest.db")]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"True\n"
        with hold_lock(db, "fetch") as ours:
            assert not ours
    finally:
        child.kill()
        child.communicate()
    with hold_lock(db, "fetch") as ours:
        assert ours
