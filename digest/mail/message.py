"""One e-mail to one reader, complete: multipart/alternative, text first."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from digest.ports import Message


def compose(
    *, sender: str, recipient: str, subject: str, text: str, html: str, issue: str, token: str, at: datetime
) -> Message:
    """Build the message; the Message-ID is stable for an issue and a reader."""
    name, address = parseaddr(sender)
    domain = address.rpartition("@")[2] or "localhost"
    message_id = f"<{hashlib.sha256(f'{issue} {token}'.encode()).hexdigest()[:32]}@{domain}>"
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=name, addr_spec=address)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return Message(recipient=recipient, sender=address, message_id=message_id, raw=mail.as_bytes())
