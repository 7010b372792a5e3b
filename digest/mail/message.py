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

from digest.errors import CheckFailedError
from digest.mail.headers import MAIL_POLICY
from digest.mail.letterhead import SenderProfile
from digest.ports import Message
from digest.text import normalise_line, slugify

# Stands in a rendered issue where each reader's own way out belongs, so that an issue is rendered once for all.
UNSUBSCRIBE_PLACEHOLDER = "https://unsubscribe.invalid/"
SIZE_WARNING, SIZE_LIMIT = 90_000, 102_400  # bytes of HTML as it travels; Gmail cuts a message off at about 102 kB
Signer = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class MailContent:
    """What is said, before it is addressed; HTML may be empty."""

    subject: str
    text: str
    html: str = ""


def measure_html_size(html: str) -> int:
    """How many bytes of a message the HTML is, as it travels: quoted-printable."""
    part = EmailMessage(policy=MAIL_POLICY)
    part.set_content(html, subtype="html", cte="quoted-printable")
    return len(part.as_bytes().partition(b"\r\n\r\n")[2])


def format_size_warning(size: int) -> str:
    """What is to be said of HTML of so many bytes; nothing where it is far from Gmail's limit, or beyond it."""
    return (
        f"the mail's HTML has {size:,} bytes; from {SIZE_LIMIT:,} on it is refused"
        if SIZE_WARNING < size <= SIZE_LIMIT
        else ""
    )


def check_mail_size(content: MailContent, subject: str) -> str:
    """The warning that is due, else nothing. Raises Refused beyond Gmail's limit."""
    size = measure_html_size(content.html)
    if size > SIZE_LIMIT:
        raise CheckFailedError(
            f"{subject}: the mail's HTML has {size:,} bytes; Gmail cuts at {SIZE_LIMIT:,}",
            "make picks 'also noted', or drop some, then approve and publish again",
        )
    return format_size_warning(size)


def build_message_id(issue: str, token: str, domain: str) -> str:
    """The same for an issue and a reader each time, and it tells neither."""
    return f"<{sha256(f'{issue} {token}'.encode()).hexdigest()[:32]}@{domain}>"


def compose_message(
    sender: SenderProfile,
    content: MailContent,
    *,
    recipient: str,
    token: str,
    issue: str,
    at: datetime,
    sign: Signer | None = None,
) -> Message:
    """Address a letter. The same arguments give the same bytes; `issue` names what the Message-ID is made from."""
    way_out = sender.unsubscribe_url(token)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=recipient)
    if sender.reply_to:
        mail["Reply-To"] = Address(addr_spec=sender.reply_to)
    mail["Subject"] = normalise_line(content.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = build_message_id(issue, token, sender.domain)
    for name, value in build_list_headers(sender, token, issue).items():
        mail[name] = value
    mail.set_content(content.text.replace(UNSUBSCRIBE_PLACEHOLDER, way_out), cte="quoted-printable")
    if content.html:
        page = content.html.replace(UNSUBSCRIBE_PLACEHOLDER, html.escape(way_out))
        mail.add_alternative(page, subtype="html", cte="quoted-printable")
        mail.set_boundary(f"=-{sha256(str(mail['Message-ID']).encode()).hexdigest()[:32]}")
    raw = mail.as_bytes()
    return Message(
        recipient=recipient,
        sender=sender.envelope_sender(str(mail["Message-ID"])),
        message_id=str(mail["Message-ID"]),
        raw=sign(raw) if sign else raw,
    )


def build_list_headers(sender: SenderProfile, token: str, issue: str) -> dict[str, str]:
    """RFC 2919, 2369 and 8058; One-Click is promised only where an https endpoint takes the POST."""
    label = re.sub(r"[^A-Za-z0-9 .-]", "", sender.name).strip()
    mailto = f"<{sender.unsubscribe_mailto_url(token)}>"
    found = {
        "List-Id": f'"{label}" <{sender.list_id}>' if label else f"<{sender.list_id}>",
        "List-Unsubscribe": f"<{sender.unsubscribe_url(token)}>, {mailto}" if sender.endpoint else mailto,
        "Feedback-ID": f"{slugify(issue.rpartition('/')[2])[:40]}:issue:digest:{slugify(sender.list_id)[:15].strip('-')}",
        "Precedence": "list",
    }
    if sender.endpoint.startswith("https://"):
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return found
