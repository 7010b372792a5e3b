"""Subscribers: one row an address, however it is spelled. An unsubscribed address stays unsubscribed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from digest.errors import NotFoundError
from digest.models.subscribers import Subscriber

SUPPRESSED_STATES = ("unsubscribed", "bounced")
SUBSCRIBER_STATES = ("pending", "active", "bounced", "unsubscribed")  # an imported list may only raise a state


def add_subscriber(
    session: Session, address: str, now: datetime, *, state: str = "pending", name: str = "",
    topics: Sequence[str] = (), reason: str = "",
) -> Subscriber:  # fmt: skip
    """Add a subscriber. An existing one stays as it is, but for a suppression, which is never undone."""
    existing = find_subscriber(session, address)
    if existing is None:
        subscriber = Subscriber(
            address=address.strip(), address_key=address.strip().casefold(), name=name, state=state,
            token=secrets.token_urlsafe(24), topics=list(topics), reason=reason, created=now, changed=now,
        )  # fmt: skip
        session.add(subscriber)
        session.flush()
        return subscriber
    if SUBSCRIBER_STATES.index(state) > SUBSCRIBER_STATES.index(existing.state):
        set_subscriber_state(session, existing, state, now, reason)
    return existing


def find_subscriber(session: Session, address: str) -> Subscriber | None:
    """Find the subscriber of an address, ignoring case."""
    return session.exec(select(Subscriber).where(Subscriber.address_key == address.strip().casefold())).first()


def get_subscriber(session: Session, address: str) -> Subscriber:
    """Return the subscriber of an address; raise NotFoundError."""
    subscriber = find_subscriber(session, address)
    if subscriber is None:
        raise NotFoundError(f"{address} is not a reader", "`digest subscribers list` shows all")
    return subscriber


def find_subscriber_by_token(session: Session, token: str) -> Subscriber | None:
    """Find the subscriber of a link; all tokens are compared in constant time, so that timing reveals nothing."""
    given, found_id = token.encode("utf-8", "replace"), None
    for subscriber_id, stored in session.exec(select(Subscriber.id, Subscriber.token)):
        if secrets.compare_digest(stored.encode(), given):
            found_id = subscriber_id
    return session.get(Subscriber, found_id) if found_id else None


def set_subscriber_state(session: Session, subscriber: Subscriber, state: str, now: datetime, reason: str = "") -> None:
    """Put a subscriber into a state, for a reason."""
    subscriber.state, subscriber.reason, subscriber.changed = state, reason, now
    session.add(subscriber)


def suppress_bounced(session: Session, subscriber_id: int, now: datetime, reason: str) -> None:
    """Take out a subscriber whose address the server says is gone; one who has left stays as they are."""
    subscriber = session.get_one(Subscriber, subscriber_id)
    if subscriber.state not in SUPPRESSED_STATES:
        set_subscriber_state(session, subscriber, "bounced", now, reason[:200])


def load_active_subscribers(session: Session) -> list[Subscriber]:
    """Load the subscribers who get mail."""
    return load_subscribers(session, "active")


def load_subscribers(session: Session, state: str = "") -> list[Subscriber]:
    """Load all subscribers, or those in a state, oldest first."""
    query = select(Subscriber).order_by(col(Subscriber.id))
    return list(session.exec(query.where(Subscriber.state == state) if state else query))


def count_subscribers_by_state(session: Session) -> dict[str, int]:
    """Count the subscribers in each state."""
    return dict(session.exec(select(Subscriber.state, func.count()).group_by(Subscriber.state)).all())
