"""Send journal for issues and confirmations.

The journal of the mails that ask readers to confirm: committed before each hand-over, as an issue's is.

The journal of what was mailed to whom: committed before each hand-over, so that nobody gets an issue twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from digest.db.engine import upsert
from digest.db.subscribers import load_subscribers
from digest.models.issues import Issue
from digest.models.subscribers import Confirmation, Delivery, Subscriber

OPEN_STATES = ("queued", "deferred")  # what a run takes up


def queue_deliveries(session: Session, issue_id: int, rows: Mapping[int, tuple[str, str]], now: datetime) -> None:
    """Give each reader (id -> state, Message-ID) a row for the issue; existing rows stay as they are."""
    values = [
        {
            "issue_id": issue_id, "subscriber_id": reader_id, "state": state, "message_id": message_id,
            "attempts": 0, "next_attempt": None, "error": _SKIP_REASONS.get(state, ""), "at": now,
        }
        for reader_id, (state, message_id) in rows.items()
    ]  # fmt: skip
    upsert(session, Delivery, values, ["issue_id", "subscriber_id"])


_SKIP_REASONS = {"skipped": "nothing in the topics this reader follows"}


def mark_deliveries_unknown(session: Session, now: datetime) -> int:
    """Whatever a dead process left in `sending` may or may not have arrived; returns how many there are."""
    left = update(Delivery).where(col(Delivery.state) == "sending")
    found = session.connection().execute(
        left.values(state="unknown", error="the process ended while the message was handed over", at=now)
    )
    return int(found.rowcount)


def load_deliveries(session: Session, issue_id: int, states: Collection[str] = ()) -> list[tuple[Delivery, Subscriber]]:
    """An issue's deliveries with their readers, in order; only those in `states` if any are named."""
    query = (
        select(Delivery, Subscriber)
        .where(Delivery.issue_id == issue_id, Delivery.subscriber_id == Subscriber.id)
        .order_by(col(Delivery.id))
    )
    if states:
        query = query.where(col(Delivery.state).in_(states))
    return [(delivery, reader) for delivery, reader in session.exec(query)]


def load_subscriber_ids_with_delivery(session: Session, issue_id: int) -> set[int]:
    """The readers that have a row for the issue, whatever became of it."""
    return set(session.exec(select(Delivery.subscriber_id).where(Delivery.issue_id == issue_id)))


def count_deliveries(session: Session, issue_id: int) -> dict[str, int]:
    """How many deliveries of the issue are in each state."""
    query = select(Delivery.state, func.count()).where(Delivery.issue_id == issue_id).group_by(col(Delivery.state))
    return dict(session.exec(query).all())


def claim_delivery(session: Session, delivery_id: int, now: datetime) -> str:
    """Put a delivery into `sending` if its reader may still be written to; otherwise say why not."""
    delivery = session.get_one(Delivery, delivery_id)
    reader = session.get_one(Subscriber, delivery.subscriber_id)
    if reader.state != "active":
        return f"the reader is {reader.state}"
    delivery.attempts += 1
    delivery.state, delivery.error, delivery.at = "sending", "", now
    session.add(delivery)
    return ""


def mark_delivery(session: Session, delivery_id: int, state: str, now: datetime, error: str = "") -> None:
    """Note what became of a delivery."""
    delivery = session.get_one(Delivery, delivery_id)
    delivery.state, delivery.error, delivery.at = state, error, now
    session.add(delivery)


def requeue_deliveries(session: Session, issue_id: int, addresses: Iterable[str], now: datetime) -> list[str]:
    """Queue again what failed or is in doubt, for these readers only; returns the addresses that have no such row."""
    missing = []
    for address in addresses:
        query = select(Delivery).join(Subscriber, col(Delivery.subscriber_id) == col(Subscriber.id))
        query = query.where(Delivery.issue_id == issue_id, Subscriber.address_key == address.strip().casefold())
        row = session.exec(query.where(col(Delivery.state).in_(("unknown", "failed")))).first()
        if row is None:
            missing.append(address)
        else:
            mark_delivery(session, row.id, "queued", now)
    return missing


def find_subscriber_of_delivery(session: Session, message_id: str) -> Subscriber | None:
    """Whom a message went to, by its Message-ID or by the part of it before the @."""
    local = message_id.strip("<> ").partition("@")[0]
    if not local:
        return None
    row = session.exec(
        select(Delivery).where(col(Delivery.message_id).startswith(f"<{local}@", autoescape=True))
    ).first()
    return session.get(Subscriber, row.subscriber_id) if row else None


def count_deliveries_by_issue(session: Session) -> list[dict[str, Any]]:
    """For each issue that was mailed: its period and how many deliveries are in each state."""
    issues = session.exec(select(Issue).where(col(Issue.sent).is_not(None)).order_by(col(Issue.period)))
    return [{"period": issue.period, **count_deliveries(session, issue.id)} for issue in issues]


_MIN_REQUEST_INTERVAL, _MAX_REQUESTS = (
    timedelta(hours=1),
    5,
)  # of mails to one address that asks by the form again and again
_RETRY_DELAY, _MAX_ATTEMPTS = timedelta(minutes=15), 6  # before one that was put off is tried again, doubled each time
_PENDING_STATES = ("queued", "sending", "deferred")


def queue_confirmation(
    session: Session, subscriber: Subscriber, now: datetime, *, enforce_limits: bool = True
) -> Confirmation | None:
    """Queue the mail for a pending reader, if it may be. `patient` holds to the limits, as for a stranger's request.

    Something is written for every reader, whatever their state, so that the time taken tells nothing.
    """
    row = session.get(Confirmation, subscriber.id) or Confirmation(
        subscriber_id=subscriber.id, state="skipped", requested=now, at=now
    )
    row.at = now
    session.add(row)
    if subscriber.state != "pending" or row.state in _PENDING_STATES or (enforce_limits and _is_too_soon(row, now)):
        return None
    row.state, row.times, row.attempts, row.next_attempt, row.error = "queued", row.times + 1, 0, None, ""
    row.requested = now
    return row


def _is_too_soon(row: Confirmation, now: datetime) -> bool:
    return row.times >= _MAX_REQUESTS or (row.times > 0 and now < row.requested + _MIN_REQUEST_INTERVAL)


def load_unasked_subscribers(session: Session) -> list[Subscriber]:
    """Pending readers to whom no such mail has gone, and none is on its way or in doubt."""
    asked = set(
        session.exec(
            select(Confirmation.subscriber_id).where(col(Confirmation.state).in_((*_PENDING_STATES, "sent", "unknown")))
        )
    )
    return [reader for reader in load_subscribers(session, "pending") if reader.id not in asked]


def mark_confirmations_unknown(session: Session, now: datetime) -> None:
    """Whatever a dead process left in `sending` may or may not have arrived."""
    left = update(Confirmation).where(col(Confirmation.state) == "sending")
    words = "the process ended while the message was handed over"
    session.connection().execute(left.values(state="unknown", error=words, at=now))


def delete_unconfirmed_subscribers(session: Session, before: datetime) -> int:
    """Delete the pending readers who were last asked before a moment; returns how many there were.

    Those never asked stay: they are the editor's to ask.
    """
    rows = select(Confirmation, Subscriber).where(Confirmation.subscriber_id == Subscriber.id)
    rows = rows.where(Subscriber.state == "pending", Confirmation.times > 0, col(Confirmation.requested) < before)
    found = session.exec(rows).all()
    for row, _ in found:
        session.delete(row)
    session.flush()
    for _, reader in found:
        session.delete(reader)
    return len(found)


def load_due_confirmations(session: Session, now: datetime) -> list[tuple[Confirmation, Subscriber]]:
    """What is to be sent now, with its readers, in the order it was asked for."""
    query = select(Confirmation, Subscriber).where(Confirmation.subscriber_id == Subscriber.id)
    ready = col(Confirmation.next_attempt).is_(None) | (col(Confirmation.next_attempt) <= now)
    query = query.where(col(Confirmation.state).in_(("queued", "deferred")), ready)
    return [(row, reader) for row, reader in session.exec(query.order_by(col(Confirmation.requested)))]


def claim_confirmation(session: Session, subscriber_id: int, now: datetime) -> bool:
    """Put one into `sending`; not if its reader is no longer pending."""
    row, reader = session.get_one(Confirmation, subscriber_id), session.get_one(Subscriber, subscriber_id)
    if reader.state != "pending":
        row.state, row.error, row.at = "skipped", f"the reader is {reader.state}", now
    else:
        row.state, row.attempts, row.at = "sending", row.attempts + 1, now
    session.add(row)
    return row.state == "sending"


def mark_confirmation(session: Session, subscriber_id: int, state: str, now: datetime, error: str = "") -> None:
    """Note what became of one; what is put off time and again has failed."""
    row = session.get_one(Confirmation, subscriber_id)
    late = state == "deferred" and row.attempts >= _MAX_ATTEMPTS
    row.state, row.error, row.at = "failed" if late else state, error, now
    row.next_attempt = now + _RETRY_DELAY * 2 ** (row.attempts - 1) if row.state == "deferred" else None
    session.add(row)


def find_subscriber_of_confirmation(session: Session, message_id: str) -> Subscriber | None:
    """Whom such a mail went to, by its Message-ID or by the part of it before the @."""
    local = message_id.strip("<> ").partition("@")[0]
    query = select(Subscriber).join(Confirmation, col(Confirmation.subscriber_id) == col(Subscriber.id))
    known = col(Confirmation.message_id).startswith(f"<{local}@", autoescape=True)
    return session.exec(query.where(known)).first() if local else None
