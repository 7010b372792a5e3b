"""Tables of subscribers and of what was mailed to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from digest.models import json_column


class Subscriber(SQLModel, table=True):
    """A subscriber: pending, active, unsubscribed or bounced; the last two survive every import."""

    id: int = Field(default=None, primary_key=True)
    address: str  # as given
    address_key: str = Field(unique=True)  # folded for comparison
    name: str = ""
    state: str = Field(default="pending", index=True)
    token: str = Field(unique=True)
    topics: list[str] = json_column(list)  # category slugs; empty means all
    reason: str = ""
    created: datetime
    changed: datetime


class Confirmation(SQLModel, table=True):
    """The request to confirm: queued, sending, sent, deferred, failed, unknown or skipped."""

    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id")
    state: str = Field(index=True)
    message_id: str = ""
    requested: datetime  # when it was last queued
    times: int = 0  # how often it was queued
    attempts: int = 0  # of the present one
    next_attempt: datetime | None = None
    error: str = ""
    at: datetime


class Delivery(SQLModel, table=True):
    """One message to one subscriber: queued, sending, sent, deferred, failed, unknown or skipped."""

    __table_args__ = (UniqueConstraint("issue_id", "subscriber_id"),)
    id: int = Field(default=None, primary_key=True)
    issue_id: int = Field(foreign_key="issue.id", index=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True)
    state: str = Field(default="queued", index=True)
    message_id: str
    attempts: int = 0
    next_attempt: datetime | None = None
    error: str = ""
    at: datetime
