"""Claims between processes: one holder at a time, pauses kept, the dead forgotten."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.db.engine import Database
from digest.db.locks import DatabaseHostLock, claim_work
from digest.models.runs import Lock

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("holder", "ours"),
    [("nobody", True), ("dead", True), ("alive", False), ("recycled", True), ("elsewhere/1", False)],
)
def test_work_is_ours_alone_unless_a_living_process_is_at_it(db: Database, holder: str, ours: bool) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    if holder == "dead":
        child.communicate()
    if holder != "nobody":
        here = f"{socket.gethostname()}/{child.pid}"
        name = {"dead": here, "alive": here, "recycled": f"{here}@long-ago"}.get(holder, holder)
        with db.write() as session:
            session.add(Lock(name="fetch", holder=name, expires=NOW + timedelta(hours=1)))
    with claim_work(db, "fetch", NOW) as only:
        assert only is ours
    child.communicate()


def test_work_given_back_is_free(db: Database) -> None:
    with claim_work(db, "fetch", NOW), db.read() as session:
        assert session.get_one(Lock, "fetch").holder.startswith(f"{socket.gethostname()}/{os.getpid()}@")
    with db.read() as session:
        assert session.get_one(Lock, "fetch").expires == NOW
