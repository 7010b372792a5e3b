"""The journal of what was mailed to whom: committed before each hand-over, so that nobody gets an issue twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from digest.models import Delivery, Issue, Subscriber
from digest.store.database import upsert

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
            mark_delivery(session, row.id or 0, "queued", now)
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
    return [{"period": issue.period, **count_deliveries(session, issue.id or 0)} for issue in issues]
