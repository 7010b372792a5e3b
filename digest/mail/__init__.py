"""Mail: messages, subscribers, and the registry of transports by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

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


def attempt_delivery(transport: Transport, message: Message) -> tuple[str, str, bool]:
    """Send a message and return its state, the reason, and whether to stop sending.

    The state is sent, deferred, failed or unknown.
    """
    try:
        transport.send(message)
    except DeliveryError as error:
        state = "unknown" if error.is_outcome_unknown else "deferred" if error.is_temporary else "failed"
        reason = error.message.removeprefix(f"{message.recipient}: ")  # the delivery's row names the subscriber
        return state, f"{reason}; {error.hint}" if error.hint else reason, error.is_systemic
    return "sent", "", False
