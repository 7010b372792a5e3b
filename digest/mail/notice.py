"""A plain message from the program to the person who runs it; it is no issue, and nobody subscribes to it."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from digest.mail.addresses import check
from digest.mail.headers import POLICY
from digest.mail.letterhead import Letterhead
from digest.mail.message import Letter, Sign, message_id
from digest.ports import Message
from digest.text import one_line


def notice(
    head: Letterhead, letter: Letter, *, recipient: str, about: str, at: datetime, sign: Sign | None = None
) -> Message:
    """Address a notice. `about` names what it tells: said again, it has the same Message-ID, and shows once."""
    to = check(recipient)
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(display_name=head.name, addr_spec=head.address)
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = one_line(letter.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(about, to, head.domain)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers it
    mail.set_content(letter.text, cte="quoted-printable")
    raw = mail.as_bytes()
    return Message(
        recipient=to, sender=head.address, message_id=str(mail["Message-ID"]), raw=sign(raw) if sign else raw
    )
