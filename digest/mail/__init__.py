"""Mail: messages, subscribers, and the registry of transports by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from digest.config.schema import MailConfig
from digest.errors import DeliveryError
from digest.mail.outbox import OutboxTransport
from digest.mail.smtp import SmtpTransport
from digest.protocols import Message, Transport

TRANSPORTS: dict[str, Callable[[MailConfig, Path], Transport]] = {
    "outbox": lambda mail, root: OutboxTransport(root / "outbox"),
    "smtp": lambda mail, root: SmtpTransport(mail, os.environ),
}


def create_transport(mail: MailConfig, root: Path) -> Transport:
    """Create the configured transport."""
    return TRANSPORTS[mail.transport](mail, root)


class DeliveryAttempt(NamedTuple):
    """What became of a message: sent, deferred, failed or unknown, why, and whether the server refuses all."""

    state: str
    reason: str = ""
    should_stop: bool = False
    is_address_gone: bool = False


def attempt_delivery(transport: Transport, message: Message) -> DeliveryAttempt:
    """Send a message and return what became of it."""
    try:
        transport.send(message)
    except DeliveryError as error:
        state = "unknown" if error.is_outcome_unknown else "deferred" if error.is_temporary else "failed"
        reason = error.message.removeprefix(f"{message.recipient}: ")  # the delivery's row names the subscriber
        reason = f"{reason}; {error.hint}" if error.hint else reason
        return DeliveryAttempt(state, reason, error.is_systemic, error.is_address_gone)
    return DeliveryAttempt("sent")
