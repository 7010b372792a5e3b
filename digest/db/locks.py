"""Process locks (filelock) and the per-host rate-limit table.

Claims that hold between processes: whose turn it is at a site, and whether another process is at the same work.

How a process signs what it is at in the store, and whether the one that signed is still there.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlmodel import Session

from digest.db.engine import Database
from digest.errors import StoreError
from digest.files import identify_process, is_process_alive
from digest.models.runs import Lock
from digest.protocols import Clock


def identify_host_process() -> str:
    """How this process signs what it is at: host/pid@began."""
    return f"{socket.gethostname()}/{identify_process()}"


def is_on_this_machine(holder: str) -> bool:
    """Whether the process that signed is one of this machine."""
    return holder.partition("/")[0] == socket.gethostname()


def may_be_running(holder: str) -> bool:
    """Whether the process that signed may still be alive; one of another machine always may."""
    process = holder.partition("/")[2]
    if not is_on_this_machine(holder) or not process.partition("@")[0].isdigit():
        return True
    return is_process_alive(process)


_RETRY_SECONDS = 1.0  # the holder usually gives back long before its claim ends


class DatabaseHostLock:
    """One request at a time to a site, over all processes of a workspace. A dead holder's claim simply ends."""

    def __init__(self, db: Database, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._db = db
        self._clock = clock
        self._holder = uuid4().hex

    def claim(self, site: str, seconds: float) -> float:
        """Take the site for at most `seconds`; 0 when it is ours, else how many seconds to wait before asking again."""
        with self._db.write(durable=False) as session:
            return acquire_lock(session, f"site:{site}", self._holder, timedelta(seconds=seconds), self._clock())

    def release(self, site: str, pause: float) -> None:
        """Give the site back; nobody's next claim succeeds before `pause` seconds are over."""
        with self._db.write(durable=False) as session:
            release_lock(session, f"site:{site}", self._holder, self._clock(), timedelta(seconds=pause))


def acquire_lock(session: Session, name: str, holder: str, length: timedelta, now: datetime) -> float:
    """Take or renew a claim; the seconds to wait when another holder has it or its pause is not over."""
    lease = session.get(Lock, name)
    if lease is None:
        lease = Lock(name=name, holder=holder, expires=now)
    elif lease.holder != holder and lease.expires > now:
        return min((lease.expires - now).total_seconds(), _RETRY_SECONDS)
    elif lease.not_before and lease.not_before > now:
        return (lease.not_before - now).total_seconds()
    lease.holder, lease.expires = holder, now + length
    session.add(lease)
    return 0.0


def release_lock(session: Session, name: str, holder: str, now: datetime, pause: timedelta = timedelta()) -> None:
    """End a claim, if it is still ours, and bar the next one until the pause is over."""
    lease = session.get(Lock, name)
    if lease is not None and lease.holder == holder:
        lease.expires, lease.not_before = now, now + pause
        session.add(lease)


@contextmanager
def claim_work(db: Database, work: str, now: datetime) -> Iterator[bool]:
    """Announce this process at a piece of work while the block runs; the value says whether no other one is at it.

    A process that was killed is told from one at work, on this machine; elsewhere its claim ends in a day.
    """
    here = identify_host_process()
    with db.write(durable=False) as session:
        lease = session.get(Lock, work)
        free = lease is None or lease.expires <= now or lease.holder == here or not may_be_running(lease.holder)
        if free:
            session.merge(Lock(name=work, holder=here, expires=now + timedelta(days=1)))
    try:
        yield free
    finally:
        if free:
            with db.write(durable=False) as session:
                release_lock(session, work, here, now)


@contextmanager
def hold_lock(db: Database, work: str, clock: Clock, length: timedelta = timedelta(minutes=5)) -> Iterator[bool]:
    """Hold a claim on a piece of work while the block runs, renewed by a heartbeat; the value says whether it is ours.

    The claim of a holder that died ends at once on this machine, elsewhere when `length` is over. After a sleep of the
    machine all claims are over; one whose process lives on is left `length` to be renewed.
    """
    holder = f"{identify_host_process()}/{uuid4().hex}"
    with db.write(durable=False) as session:
        ours = _try_acquire(session, work, holder, length, clock())
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(length.total_seconds() / 3):
            with suppress(StoreError), db.write(durable=False) as session:
                lease = session.get(Lock, work)
                if lease is not None and lease.holder == holder:
                    lease.expires, lease.not_before = clock() + length, None
                    session.add(lease)

    heart = threading.Thread(target=beat, daemon=True)
    if ours:
        heart.start()
    try:
        yield ours
    finally:
        ended.set()
        if ours:
            heart.join()
            with db.write(durable=False) as session:
                lease = session.get(Lock, work)
                if lease is not None and lease.holder == holder:
                    session.delete(lease)


def _try_acquire(session: Session, work: str, holder: str, length: timedelta, now: datetime) -> bool:
    """Take the claim, unless its holder keeps it or may still wake up and renew it."""
    lease = session.get(Lock, work)
    if lease is not None and may_be_running(process := lease.holder.rpartition("/")[0]):
        if lease.expires <= now and lease.not_before is None and is_on_this_machine(process):
            lease.not_before = now + length
            session.add(lease)
        if max(lease.expires, lease.not_before or now) > now:
            return False
    session.merge(Lock(name=work, holder=holder, expires=now + length, not_before=None))
    return True
