"""Subscribers, and the journal of what was mailed to them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from digest.models import Delivery, Issue, Subscriber
from digest.store.database import upsert


def subscribe(session: Session, address: str, now: datetime, *, state: str = "pending", name: str = "") -> Subscriber:
    """Add a reader; one who is known already stays as they are, so that a suppression survives."""
    key = address.strip().casefold()
    known = session.exec(select(Subscriber).where(Subscriber.address_key == key)).first()
    if known is not None:
        return known
    reader = Subscriber(
        address=address.strip(), address_key=key, name=name, state=state, token=secrets.token_urlsafe(24),
        created=now, changed=now,
    )  # fmt: skip
    session.add(reader)
    session.flush()
    return reader


def active(session: Session) -> list[Subscriber]:
    """Readers who are to get mail."""
    return list(session.exec(select(Subscriber).where(Subscriber.state == "active").order_by(col(Subscriber.id))))


def queue(session: Session, issue_id: int, message_ids: Mapping[int, str], now: datetime) -> None:
    """Give every reader a journal row for the issue; existing rows stay as they are."""
    rows = [
        {
            "issue_id": issue_id, "subscriber_id": reader_id, "state": "queued", "message_id": message_id,
            "attempts": 0, "next_attempt": None, "error": "", "at": now,
        }
        for reader_id, message_id in message_ids.items()
    ]  # fmt: skip
    upsert(session, Delivery, rows, ["issue_id", "subscriber_id"])


def journal(session: Session, issue: Issue) -> list[tuple[Delivery, Subscriber]]:
    """An issue's deliveries with their readers."""
    query = (
        select(Delivery, Subscriber)
        .where(Delivery.issue_id == issue.id, Delivery.subscriber_id == Subscriber.id)
        .order_by(col(Delivery.id))
    )
    return [(delivery, reader) for delivery, reader in session.exec(query)]


def mark(session: Session, delivery_id: int, state: str, now: datetime, error: str = "") -> None:
    """Note what became of a delivery."""
    delivery = session.get_one(Delivery, delivery_id)
    delivery.attempts += state == "sending"
    delivery.state, delivery.error, delivery.at = state, error, now
    session.add(delivery)
