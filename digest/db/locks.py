"""Locks between processes: one process at a piece of work, and one request at a time to a site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from filelock import FileLock, Timeout

from digest.db.engine import Database
from digest.models.runs import Lock
from digest.protocols import Clock

_RETRY_SECONDS = 1.0  # a site is usually released long before its lock expires


@contextmanager
def hold_lock(db: Database, work: str) -> Iterator[bool]:
    """Hold the lock on a piece of work while the block runs; the value says whether it is ours.

    It is a lock file beside the database, or an advisory lock of PostgreSQL. Either ends with the process.
    """
    if db.schema:
        with db.try_advisory_lock(work) as is_ours:
            yield is_ours
        return
    lock = FileLock(db.path.with_name(f"{db.path.name}.{work.replace(':', '-')}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


class DatabaseHostLock:
    """One request at a time to a site, over all processes of a database. The lock of a dead holder expires."""

    def __init__(self, db: Database, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._db = db
        self._clock = clock
        self._holder = uuid4().hex

    def claim(self, site: str, seconds: float) -> float:
        """Take the site for at most `seconds`. Returns 0, or the seconds to wait before the next attempt."""
        now, name = self._clock(), f"site:{site}"
        with self._db.write_shared() as session:
            lock = session.get(Lock, name) or Lock(name=name, holder=self._holder, expires=now)
            if lock.holder != self._holder and lock.expires > now:
                return min((lock.expires - now).total_seconds(), _RETRY_SECONDS)
            if lock.not_before and lock.not_before > now:
                return (lock.not_before - now).total_seconds()
            lock.holder, lock.expires = self._holder, now + timedelta(seconds=seconds)
            session.add(lock)
        return 0.0

    def release(self, site: str, pause: float) -> None:
        """Release the site, if it is still ours; the next claim succeeds after `pause` seconds."""
        now = self._clock()
        with self._db.write_shared() as session:
            lock = session.get(Lock, f"site:{site}")
            if lock is not None and lock.holder == self._holder:
                lock.expires, lock.not_before = now, now + timedelta(seconds=pause)
                session.add(lock)
