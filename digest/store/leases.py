"""Claims that hold between processes: whose turn it is at a site that wants one request at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlmodel import Session

from digest.models import Lease
from digest.ports import Clock
from digest.store.database import Database

_ASK_AGAIN = 1.0  # the holder usually gives back long before its claim ends


class SiteTurns:
    """One request at a time to a site, over all processes of a workspace. A dead holder's claim simply ends."""

    def __init__(self, db: Database, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._db = db
        self._clock = clock
        self._holder = uuid4().hex

    def claim(self, site: str, seconds: float) -> float:
        """Take the site for at most `seconds`; 0 when it is ours, else how many seconds to wait before asking again."""
        with self._db.write() as session:
            return take(session, f"site:{site}", self._holder, timedelta(seconds=seconds), self._clock())

    def release(self, site: str, pause: float) -> None:
        """Give the site back; nobody's next claim succeeds before `pause` seconds are over."""
        with self._db.write() as session:
            give_back(session, f"site:{site}", self._holder, self._clock(), timedelta(seconds=pause))


def take(session: Session, name: str, holder: str, length: timedelta, now: datetime) -> float:
    """Take or renew a claim; the seconds to wait when another holder has it or its pause is not over."""
    lease = session.get(Lease, name)
    if lease is None:
        lease = Lease(name=name, holder=holder, expires=now)
    elif lease.holder != holder and lease.expires > now:
        return min((lease.expires - now).total_seconds(), _ASK_AGAIN)
    elif lease.not_before and lease.not_before > now:
        return (lease.not_before - now).total_seconds()
    lease.holder, lease.expires = holder, now + length
    session.add(lease)
    return 0.0


def give_back(session: Session, name: str, holder: str, now: datetime, pause: timedelta = timedelta()) -> None:
    """End a claim, if it is still ours, and bar the next one until the pause is over."""
    lease = session.get(Lease, name)
    if lease is not None and lease.holder == holder:
        lease.expires, lease.not_before = now, now + pause
        session.add(lease)
