"""Messages and how they leave: TRANSPORTS by name, one file each."""

from __future__ import annotations

from pathlib import Path

from digest.config import Mail
from digest.mail.message import compose
from digest.mail.outbox import Outbox
from digest.ports import Transport

__all__ = ["TRANSPORTS", "compose", "transport"]

TRANSPORTS = {"outbox": lambda mail, root: Outbox(root / "outbox")}


def transport(mail: Mail, root: Path) -> Transport:
    """The configured transport."""
    return TRANSPORTS[mail.transport](mail, root)
