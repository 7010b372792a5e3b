"""A plain message from the program to the person who runs it; it is no issue, and nobody subscribes to it."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from digest.mail.addresses import normalise_address
from digest.mail.headers import MAIL_POLICY
from digest.mail.letterhead import SenderProfile
from digest.mail.message import MailContent, Signer, build_message_id
from digest.ports import Message
from digest.text import normalise_line


def compose_notification(
    sender: SenderProfile, content: MailContent, *, recipient: str, about: str, at: datetime, sign: Signer | None = None
) -> Message:
    """Address a notice. `about` names what it tells: said again, it has the same Message-ID, and shows once."""
    to = normalise_address(recipient)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = normalise_line(content.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = build_message_id(about, to, sender.domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers it
    mail.set_content(content.text, cte="quoted-printable")
    raw = mail.as_bytes()
    return Message(
        recipient=to, sender=sender.address, message_id=str(mail["Message-ID"]), raw=sign(raw) if sign else raw
    )
