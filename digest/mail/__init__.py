"""Messages and how they leave: TRANSPORTS by name, one file each; readers' addresses; what bounces say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from digest.config.schema import MailConfig
from digest.errors import DeliveryError
from digest.mail.outbox import OutboxTransport
from digest.mail.smtp import SmtpTransport
from digest.protocols import Message, Transport

__all__ = [
    "TRANSPORTS",
    "UNSUBSCRIBE_PLACEHOLDER",
    "MailContent",
    "SenderProfile",
    "Signer",
    "attempt_delivery",
    "build_message_id",
    "check_mail_size",
    "compose_message",
    "compose_notification",
    "create_signer",
    "create_transport",
    "format_size_warning",
    "load_sender_profile",
    "measure_html_size",
    "normalise_address",
]

TRANSPORTS: dict[str, Callable[[MailConfig, Path], Transport]] = {
    "outbox": lambda mail, root: OutboxTransport(root / "outbox"),
    "smtp": lambda mail, root: SmtpTransport(mail, os.environ),
}


def create_transport(mail: MailConfig, root: Path) -> Transport:
    """The configured transport."""
    return TRANSPORTS[mail.transport](mail, root)


def attempt_delivery(transport: Transport, message: Message) -> tuple[str, str, bool]:
    """What became of a message (sent, deferred, failed or unknown), why and what to do, and whether to stop here."""
    try:
        transport.send(message)
    except DeliveryError as error:
        state = "unknown" if error.is_outcome_unknown else "deferred" if error.is_temporary else "failed"
        said = error.message.removeprefix(f"{message.recipient}: ")  # it is kept with the reader's delivery
        return state, f"{said}; {error.hint}" if error.hint else said, error.is_systemic
    return "sent", "", False
