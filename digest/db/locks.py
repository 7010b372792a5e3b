"""Locks between processes: one process at a piece of work, and one request at a time to a site."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from filelock import FileLock, Timeout

from digest.db.engine import Database
from digest.models.runs import Lock
from digest.protocols import Clock

_BATCH_PATIENCE, _BATCH_RETRY_SECONDS = 60.0, 0.2
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


def take_batches(
    db: Database, work: str, names: Sequence[str], *, should_wait: bool = True, patience: float = _BATCH_PATIENCE
) -> Generator[str]:
    """Yield the batches of a work, each under a lock, so that the processes of a workspace on PostgreSQL share them.

    The caller skips what another one has done meanwhile. A batch that is held elsewhere comes later, unless
    `should_wait` is false; after `patience` seconds without a free one it comes anyway, as its holder may be frozen.
    """
    if not db.schema:
        yield from names
        return
    waiting, deadline = list(names), time.monotonic() + patience
    while waiting:
        held = []
        for name in waiting:
            with hold_lock(db, f"{work}:{name}") as is_ours:
                if is_ours or time.monotonic() > deadline:
                    yield name
                    deadline = time.monotonic() + patience
                else:
                    held.append(name)
        waiting = held if should_wait else []
        if waiting:
            time.sleep(_BATCH_RETRY_SECONDS)


class DatabaseHostLock:
    """One request at a time to a site, over all processes of a database. The lock of a dead holder expires."""

    def __init__(self, db: Database, clock: Clock | None = None) -> None:
        self._db = db
        self._clock = clock or db.read_clock  # of the server, which all hosts share
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
