"""Compose a message: headers, body, list headers.

One e-mail to one reader, complete: multipart/alternative, text first.

How our headers are written: never folded into encoded words where a machine reads them, and no subject lost.

What all messages of a newsletter have in common: who sends, how one leaves, where bounces go.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from digest.config.schema import MailConfig, Newsletter
from digest.errors import CheckFailedError, ConfigError
from digest.mail.subscriber_csv import normalise_address
from digest.protocols import Message
from digest.text import normalise_line, slugify

_LINE_LENGTH = 76
_MAX_LINE_LENGTH = 990  # RFC 5322 2.1.1: 998 characters a line
_MAX_FOLDABLE_WORD = 60  # a longer one cannot be folded at a space


class HeaderPolicy(EmailPolicy):
    """SMTP's policy, but for three headers that Python's own folding breaks.

    List-* and Message-ID beyond 78 characters would become encoded words, which no mail program reads as an address;
    some subjects that are not ASCII do not come back as they went in.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Keep a subject as it is given: parsing would decode what only looks like an encoded word."""
        if name.lower() == "subject":
            if {"\r", "\n", "\0"} & set(value):
                raise ValueError("a subject is one line")
            return name, str(value)
        return super().header_store_parse(name, value)

    def fold(self, name: str, value: Any) -> str:
        """The header as text with its line end."""
        lower = name.lower()
        if lower == "subject":
            return f"{name}: {_fold_subject(str(value), self.linesep)}{self.linesep}"
        if isinstance(value, AddressHeader):
            written = f",{self.linesep} ".join(
                _fold_address(a.display_name, a.addr_spec, name) for a in value.addresses
            )
            return f"{name}: {written}{self.linesep}"
        if lower in ("message-id", "feedback-id") or lower.startswith("list-"):
            text = str(value)
            if text.isascii() and len(text) < _MAX_LINE_LENGTH:
                return f"{name}: {text}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")


def _fold_subject(text: str, linesep: str) -> str:
    plain = text.isascii() and "=?" not in text and all(len(word) <= _MAX_FOLDABLE_WORD for word in text.split(" "))
    return Header(text, None if plain else "utf-8", maxlinelen=_LINE_LENGTH, header_name="Subject").encode(
        linesep=linesep
    )


def _fold_address(name: str, address: str, header: str) -> str:
    if name.isascii() and len(name) + len(address) < _MAX_LINE_LENGTH:
        return formataddr((name, address))
    words = Header(name, "utf-8", maxlinelen=_LINE_LENGTH, header_name=header).encode(linesep="\r\n")
    return f"{words} <{address}>"


MAIL_POLICY = HeaderPolicy(linesep="\r\n", max_line_length=78, cte_type="7bit")


_PLACEHOLDER_ADDRESS = "digest@localhost"  # the outbox takes mail of a newsletter that has no address yet


@dataclass(frozen=True, slots=True)
class SenderProfile:
    """`endpoint` is the https (or loopback) base of a `digest listen`; empty means that leaving is by mail only."""

    name: str
    address: str
    reply_to: str
    list_id: str
    unsubscribe_address: str  # the address a reader writes to
    endpoint: str
    bounce_domain: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    def unsubscribe_url(self, token: str) -> str:
        """Where a reader leaves: the endpoint's page, else a mail that needs only to be sent."""
        return f"{self.endpoint}/u/{token}" if self.endpoint else self.unsubscribe_mailto_url(token)

    def unsubscribe_mailto_url(self, token: str) -> str:
        return f"mailto:{quote(self.unsubscribe_address, safe='@+')}?subject=unsubscribe%20{quote(token)}"

    def confirmation_url(self, token: str) -> str:
        """Where a reader says yes."""
        return f"{self.endpoint}/c/{token}"

    def envelope_sender(self, message_id: str) -> str:
        """The address bounces go to: one for each message where a domain is set aside for them (VERP)."""
        if not self.bounce_domain:
            return self.address
        return f"bounce+{message_id.strip('<>').partition('@')[0]}@{self.bounce_domain}"


def load_sender_profile(newsletter: Newsletter, mail: MailConfig) -> SenderProfile:
    """Read from sources.yaml; raises ConfigError for addresses that cannot be, and for SMTP without a sender."""
    name, address = parseaddr(mail.sender) if mail.sender else (newsletter.title, newsletter.email)
    if not address and mail.transport != "outbox":
        raise ConfigError("mail.sender: nobody is named", 'set mail.sender: "Name <me@my.org>" in sources.yaml')
    address = normalise_address(address, "mail.sender") if address else _PLACEHOLDER_ADDRESS
    domain = address.rpartition("@")[2]
    return SenderProfile(
        name=normalise_line(name or newsletter.title),
        address=address,
        reply_to=normalise_address(mail.reply_to, "mail.reply_to") if mail.reply_to else "",
        list_id=mail.list_id.strip("<>") or f"{slugify(newsletter.title)}.{domain}",
        unsubscribe_address=normalise_address(mail.unsubscribe_mailto, "mail.unsubscribe_mailto")
        if mail.unsubscribe_mailto
        else address,
        endpoint=(mail.unsubscribe_url or "").rstrip("/"),
        bounce_domain=mail.bounce_domain,
    )


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
