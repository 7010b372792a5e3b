"""The journal of mails: issues, and requests to confirm. Each entry is committed before its message is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from digest.db.bulk import upsert
from digest.db.subscribers import load_subscribers
from digest.models.issues import Issue
from digest.models.subscribers import Confirmation, Delivery, Subscriber

OPEN_STATES = ("queued", "deferred")  # what a run takes up
_SKIP_REASON = "nothing in the topics this reader follows"
_INTERRUPTED = "the process ended while the message was handed over"
_MIN_REQUEST_INTERVAL, _MAX_REQUESTS = timedelta(hours=1), 5  # to one address, through the sign-up form
_RETRY_DELAY, _MAX_ATTEMPTS = timedelta(minutes=15), 6  # of a deferred confirmation; the delay doubles each time
_PENDING_STATES = ("queued", "sending", "deferred")


def queue_deliveries(session: Session, issue_id: int, rows: Mapping[int, tuple[str, str]], now: datetime) -> None:
    """Give each subscriber (id -> state, Message-ID) a delivery of the issue; existing ones stay as they are."""
    values = [
        {
            "issue_id": issue_id, "subscriber_id": subscriber_id, "state": state, "message_id": message_id,
            "attempts": 0, "next_attempt": None, "error": _SKIP_REASON if state == "skipped" else "", "at": now,
        }
        for subscriber_id, (state, message_id) in rows.items()
    ]  # fmt: skip
    upsert(session, Delivery, values, ["issue_id", "subscriber_id"])


def mark_deliveries_unknown(session: Session, now: datetime) -> int:
    """Mark as unknown the deliveries that a killed process left in `sending`; return how many there are."""
    interrupted = update(Delivery).where(col(Delivery.state) == "sending")
    result = session.connection().execute(interrupted.values(state="unknown", error=_INTERRUPTED, at=now))
    return int(result.rowcount)


def load_deliveries(session: Session, issue_id: int, states: Collection[str] = ()) -> list[tuple[Delivery, Subscriber]]:
    """Load an issue's deliveries with their subscribers, in order; only those in `states` if any are named."""
    query = select(Delivery, Subscriber).where(Delivery.issue_id == issue_id, Delivery.subscriber_id == Subscriber.id)
    if states:
        query = query.where(col(Delivery.state).in_(states))
    return [(delivery, subscriber) for delivery, subscriber in session.exec(query.order_by(col(Delivery.id)))]


def load_subscriber_ids_with_delivery(session: Session, issue_id: int) -> set[int]:
    """Load the subscribers that have a delivery of the issue, in whatever state."""
    return set(session.exec(select(Delivery.subscriber_id).where(Delivery.issue_id == issue_id)))


def count_deliveries(session: Session, issue_id: int) -> dict[str, int]:
    """Count the deliveries of an issue in each state."""
    query = select(Delivery.state, func.count()).where(Delivery.issue_id == issue_id).group_by(col(Delivery.state))
    return dict(session.exec(query).all())


def claim_delivery(session: Session, delivery_id: int, now: datetime) -> str:
    """Put a delivery into `sending`, or return why its subscriber may not be mailed any more."""
    delivery = session.get_one(Delivery, delivery_id)
    subscriber = session.get_one(Subscriber, delivery.subscriber_id)
    if subscriber.state != "active":
        return f"the reader is {subscriber.state}"
    delivery.attempts += 1
    delivery.state, delivery.error, delivery.at = "sending", "", now
    session.add(delivery)
    return ""


def mark_delivery(session: Session, delivery_id: int, state: str, now: datetime, error: str = "") -> int:
    """Record the outcome of a delivery, and return its subscriber's id."""
    delivery = session.get_one(Delivery, delivery_id)
    delivery.state, delivery.error, delivery.at = state, error, now
    session.add(delivery)
    return delivery.subscriber_id


def requeue_deliveries(session: Session, issue_id: int, addresses: Iterable[str], now: datetime) -> list[str]:
    """Queue failed and unknown deliveries of these subscribers again; return the addresses without one."""
    missing = []
    for address in addresses:
        query = select(Delivery).join(Subscriber, col(Delivery.subscriber_id) == col(Subscriber.id))
        query = query.where(Delivery.issue_id == issue_id, Subscriber.address_key == address.strip().casefold())
        delivery = session.exec(query.where(col(Delivery.state).in_(("unknown", "failed")))).first()
        if delivery is None:
            missing.append(address)
        else:
            mark_delivery(session, delivery.id, "queued", now)
    return missing


def find_subscriber_of_delivery(session: Session, message_id: str) -> Subscriber | None:
    """Find the recipient of an issue by the Message-ID, or by the part of it before the @."""
    return _find_recipient(session, Delivery, message_id)


def find_subscriber_of_confirmation(session: Session, message_id: str) -> Subscriber | None:
    """Find the recipient of a request to confirm in the same way."""
    return _find_recipient(session, Confirmation, message_id)


def _find_recipient(session: Session, table: type[Delivery | Confirmation], message_id: str) -> Subscriber | None:
    local = message_id.strip("<> ").partition("@")[0]
    query = select(Subscriber).join(table, col(table.subscriber_id) == col(Subscriber.id))
    query = query.where(col(table.message_id).startswith(f"<{local}@", autoescape=True))
    return session.exec(query).first() if local else None


def count_deliveries_by_issue(session: Session) -> list[dict[str, Any]]:
    """Count, for each issue that was mailed, the deliveries in each state."""
    issues = session.exec(select(Issue).where(col(Issue.sent).is_not(None)).order_by(col(Issue.period)))
    return [{"period": issue.period, **count_deliveries(session, issue.id)} for issue in issues]


def queue_confirmation(
    session: Session, subscriber: Subscriber, now: datetime, *, enforce_limits: bool = True
) -> Confirmation | None:
    """Queue the request for a pending subscriber, if it may be sent; the limits guard against strangers.

    Something is written for every subscriber, in whatever state, so that the response time reveals nothing.
    """
    row = session.get(Confirmation, subscriber.id) or Confirmation(
        subscriber_id=subscriber.id, state="skipped", requested=now, at=now
    )
    row.at = now
    session.add(row)
    too_soon = row.times >= _MAX_REQUESTS or (row.times > 0 and now < row.requested + _MIN_REQUEST_INTERVAL)
    if subscriber.state != "pending" or row.state in _PENDING_STATES or (enforce_limits and too_soon):
        return None
    row.state, row.times, row.attempts, row.next_attempt, row.error = "queued", row.times + 1, 0, None, ""
    row.requested = now
    return row


def load_unasked_subscribers(session: Session) -> list[Subscriber]:
    """Load the pending subscribers without a request that was sent, is queued or is unknown."""
    states = (*_PENDING_STATES, "sent", "unknown")
    asked = set(session.exec(select(Confirmation.subscriber_id).where(col(Confirmation.state).in_(states))))
    return [subscriber for subscriber in load_subscribers(session, "pending") if subscriber.id not in asked]


def mark_confirmations_unknown(session: Session, now: datetime) -> None:
    """Mark as unknown the requests that a killed process left in `sending`."""
    interrupted = update(Confirmation).where(col(Confirmation.state) == "sending")
    session.connection().execute(interrupted.values(state="unknown", error=_INTERRUPTED, at=now))


def delete_unconfirmed_subscribers(session: Session, before: datetime) -> int:
    """Delete the pending subscribers whose last request is older than `before`; return how many.

    Those who were never asked stay: the editor may still ask them.
    """
    rows = select(Confirmation, Subscriber).where(Confirmation.subscriber_id == Subscriber.id)
    rows = rows.where(Subscriber.state == "pending", Confirmation.times > 0, col(Confirmation.requested) < before)
    expired = session.exec(rows).all()
    for row, _ in expired:
        session.delete(row)
    session.flush()
    for _, subscriber in expired:
        session.delete(subscriber)
    return len(expired)


def load_due_confirmations(session: Session, now: datetime) -> list[tuple[Confirmation, Subscriber]]:
    """Load the requests to send now, with their subscribers, oldest first."""
    query = select(Confirmation, Subscriber).where(Confirmation.subscriber_id == Subscriber.id)
    ready = col(Confirmation.next_attempt).is_(None) | (col(Confirmation.next_attempt) <= now)
    query = query.where(col(Confirmation.state).in_(OPEN_STATES), ready)
    return [(row, subscriber) for row, subscriber in session.exec(query.order_by(col(Confirmation.requested)))]


def claim_confirmation(session: Session, subscriber_id: int, now: datetime) -> bool:
    """Put a request into `sending`; skip it when its subscriber is no longer pending."""
    row, subscriber = session.get_one(Confirmation, subscriber_id), session.get_one(Subscriber, subscriber_id)
    if subscriber.state != "pending":
        row.state, row.error, row.at = "skipped", f"the reader is {subscriber.state}", now
    else:
        row.state, row.attempts, row.at = "sending", row.attempts + 1, now
    session.add(row)
    return row.state == "sending"


def mark_confirmation(session: Session, subscriber_id: int, state: str, now: datetime, error: str = "") -> None:
    """Record the outcome of a request; one that was deferred too often has failed."""
    row = session.get_one(Confirmation, subscriber_id)
    gives_up = state == "deferred" and row.attempts >= _MAX_ATTEMPTS
    row.state, row.error, row.at = "failed" if gives_up else state, error, now
    row.next_attempt = now + _RETRY_DELAY * 2 ** (row.attempts - 1) if row.state == "deferred" else None
    session.add(row)
