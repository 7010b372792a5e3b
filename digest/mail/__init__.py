"""Messages and how they leave: TRANSPORTS by name, one file each; readers' addresses; what bounces say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from digest.config import Mail
from digest.errors import DeliveryError
from digest.mail.addresses import check
from digest.mail.letterhead import Letterhead, letterhead
from digest.mail.message import UNSUBSCRIBE, Letter, Sign, compose, message_id, warning, weigh, weight
from digest.mail.notice import notice
from digest.mail.outbox import Outbox
from digest.mail.signing import signer
from digest.mail.smtp import Smtp
from digest.ports import Message, Transport

__all__ = [
    "TRANSPORTS",
    "UNSUBSCRIBE",
    "Letter",
    "Letterhead",
    "Sign",
    "check",
    "compose",
    "hand_over",
    "letterhead",
    "message_id",
    "notice",
    "signer",
    "transport",
    "warning",
    "weigh",
    "weight",
]

TRANSPORTS: dict[str, Callable[[Mail, Path], Transport]] = {
    "outbox": lambda mail, root: Outbox(root / "outbox"),
    "smtp": lambda mail, root: Smtp(mail, os.environ),
}


def transport(mail: Mail, root: Path) -> Transport:
    """The configured transport."""
    return TRANSPORTS[mail.transport](mail, root)


def hand_over(transport: Transport, message: Message) -> tuple[str, str, bool]:
    """What became of a message (sent, deferred, failed or unknown), why and what to do, and whether to stop here."""
    try:
        transport.send(message)
    except DeliveryError as error:
        state = "unknown" if error.in_doubt else "deferred" if error.temporary else "failed"
        said = error.message.removeprefix(f"{message.recipient}: ")  # it is kept with the reader's delivery
        return state, f"{said}; {error.hint}" if error.hint else said, error.stop
    return "sent", "", False
