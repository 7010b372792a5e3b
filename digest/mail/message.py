"""One e-mail to one reader, complete: multipart/alternative, text first."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

from digest.errors import Refused
from digest.mail.headers import POLICY
from digest.mail.letterhead import Letterhead
from digest.ports import Message
from digest.text import one_line, slug

# Stands in a rendered issue where each reader's own way out belongs, so that an issue is rendered once for all.
UNSUBSCRIBE = "https://unsubscribe.invalid/"
WARN, MOST = 90_000, 102_400  # bytes of HTML as it travels; Gmail cuts a message off at about 102 kB
Sign = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Letter:
    """What is said, before it is addressed; HTML may be empty."""

    subject: str
    text: str
    html: str = ""


def weight(html: str) -> int:
    """How many bytes of a message the HTML is, as it travels: quoted-printable."""
    part = EmailMessage(policy=POLICY)
    part.set_content(html, subtype="html", cte="quoted-printable")
    return len(part.as_bytes().partition(b"\r\n\r\n")[2])


def warning(size: int) -> str:
    """What is to be said of HTML of so many bytes; nothing where it is far from Gmail's limit, or beyond it."""
    return f"the mail's HTML has {size:,} bytes; from {MOST:,} on it is refused" if WARN < size <= MOST else ""


def weigh(letter: Letter, subject: str) -> str:
    """The warning that is due, else nothing. Raises Refused beyond Gmail's limit."""
    size = weight(letter.html)
    if size > MOST:
        raise Refused(
            f"{subject}: the mail's HTML has {size:,} bytes; Gmail cuts at {MOST:,}",
            "make picks 'also noted', or drop some, then approve and publish again",
        )
    return warning(size)


def message_id(issue: str, token: str, domain: str) -> str:
    """The same for an issue and a reader each time, and it tells neither."""
    return f"<{sha256(f'{issue} {token}'.encode()).hexdigest()[:32]}@{domain}>"


def compose(
    head: Letterhead,
    letter: Letter,
    *,
    recipient: str,
    token: str,
    issue: str,
    at: datetime,
    sign: Sign | None = None,
) -> Message:
    """Address a letter. The same arguments give the same bytes; `issue` names what the Message-ID is made from."""
    way_out = head.unsubscribe(token)
    mail = EmailMessage(policy=POLICY)
    mail["From"] = Address(display_name=head.name, addr_spec=head.address)
    mail["To"] = Address(addr_spec=recipient)
    if head.reply_to:
        mail["Reply-To"] = Address(addr_spec=head.reply_to)
    mail["Subject"] = one_line(letter.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id(issue, token, head.domain)
    for name, value in _list_headers(head, token, issue).items():
        mail[name] = value
    mail.set_content(letter.text.replace(UNSUBSCRIBE, way_out), cte="quoted-printable")
    if letter.html:
        page = letter.html.replace(UNSUBSCRIBE, html.escape(way_out))
        mail.add_alternative(page, subtype="html", cte="quoted-printable")
        mail.set_boundary(f"=-{sha256(str(mail['Message-ID']).encode()).hexdigest()[:32]}")
    raw = mail.as_bytes()
    return Message(
        recipient=recipient,
        sender=head.envelope(str(mail["Message-ID"])),
        message_id=str(mail["Message-ID"]),
        raw=sign(raw) if sign else raw,
    )


def _list_headers(head: Letterhead, token: str, issue: str) -> dict[str, str]:
    """RFC 2919, 2369 and 8058; One-Click is promised only where an https endpoint takes the POST."""
    label = re.sub(r"[^A-Za-z0-9 .-]", "", head.name).strip()
    mailto = f"<{head.unsubscribe_mailto(token)}>"
    found = {
        "List-Id": f'"{label}" <{head.list_id}>' if label else f"<{head.list_id}>",
        "List-Unsubscribe": f"<{head.unsubscribe(token)}>, {mailto}" if head.endpoint else mailto,
        "Feedback-ID": f"{slug(issue.rpartition('/')[2])[:40]}:issue:digest:{slug(head.list_id)[:15].strip('-')}",
        "Precedence": "list",
    }
    if head.endpoint.startswith("https://"):
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return found
