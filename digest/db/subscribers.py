"""Subscribers: added once however they are spelled, found by their token; who once left stays left."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from digest.errors import NotFoundError
from digest.models.subscribers import Subscriber

SUPPRESSED_STATES = ("unsubscribed", "bounced")
SUBSCRIBER_STATES = ("pending", "active", "bounced", "unsubscribed")  # a list from elsewhere may only raise a reader's


def add_subscriber(
    session: Session,
    address: str,
    now: datetime,
    *,
    state: str = "pending",
    name: str = "",
    topics: Sequence[str] = (),
    reason: str = "",
) -> Subscriber:
    """Add a reader. One who is known stays as they are, but that a suppression is taken over, and never undone."""
    known = find_subscriber(session, address)
    if known is None:
        reader = Subscriber(
            address=address.strip(), address_key=address.strip().casefold(), name=name, state=state,
            token=secrets.token_urlsafe(24), topics=list(topics), reason=reason, created=now, changed=now,
        )  # fmt: skip
        session.add(reader)
        session.flush()
        return reader
    if SUBSCRIBER_STATES.index(state) > SUBSCRIBER_STATES.index(known.state):
        set_subscriber_state(session, known, state, now, reason)
    return known


def find_subscriber(session: Session, address: str) -> Subscriber | None:
    """The reader of an address, however it is capitalised."""
    return session.exec(select(Subscriber).where(Subscriber.address_key == address.strip().casefold())).first()


def get_subscriber(session: Session, address: str) -> Subscriber:
    """The reader of an address; raises NotFoundError."""
    reader = find_subscriber(session, address)
    if reader is None:
        raise NotFoundError(f"{address} is not a reader", "`digest subscribers list` shows all")
    return reader


def find_subscriber_by_token(session: Session, token: str) -> Subscriber | None:
    """The reader a link belongs to. Every token is compared in constant time, so that the time taken tells nothing."""
    given, found = token.encode("utf-8", "replace"), None
    for reader_id, known in session.exec(select(Subscriber.id, Subscriber.token)):
        if secrets.compare_digest(known.encode(), given):
            found = reader_id
    return session.get(Subscriber, found) if found else None


def set_subscriber_state(session: Session, subscriber: Subscriber, state: str, now: datetime, reason: str = "") -> None:
    """Put a reader into a state; the reason is kept."""
    subscriber.state, subscriber.reason, subscriber.changed = state, reason, now
    session.add(subscriber)


def load_active_subscribers(session: Session) -> list[Subscriber]:
    """Readers who are to get mail."""
    return load_subscribers(session, "active")


def load_subscribers(session: Session, state: str = "") -> list[Subscriber]:
    """All readers, or those in a state, in the order they came."""
    query = select(Subscriber).order_by(col(Subscriber.id))
    return list(session.exec(query.where(Subscriber.state == state) if state else query))


def count_subscribers_by_state(session: Session) -> dict[str, int]:
    """Count the subscribers in each state."""
    return dict(session.exec(select(Subscriber.state, func.count()).group_by(Subscriber.state)).all())
