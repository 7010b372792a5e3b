"""Compose a message to one subscriber: headers, list headers, and text and HTML parts."""

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
from digest.publishing.render.email import (
    SIZE_LIMIT,
    UNSUBSCRIBE_PLACEHOLDER,
    MailContent,
    format_size_warning,
    measure_html_size,
)
from digest.text import normalise_line, slugify

Signer = Callable[[bytes], bytes]

_LINE_LENGTH = 76
_MAX_LINE_LENGTH = 990  # RFC 5322 2.1.1: 998 characters a line
_MAX_FOLDABLE_WORD = 60  # a longer one cannot be folded at a space
_PLACEHOLDER_ADDRESS = "digest@localhost"  # for the outbox of a newsletter without an address


class HeaderPolicy(EmailPolicy):
    """The SMTP policy, except for headers that Python's own folding breaks.

    Long List-* and Message-ID headers would become encoded words, which no mail program reads as an address, and some
    subjects that are not ASCII would change.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Keep a subject as given: parsing would decode text that resembles an encoded word."""
        if name.lower() != "subject":
            return super().header_store_parse(name, value)
        if {"\r", "\n", "\0"} & set(value):
            raise ValueError("a subject is one line")
        return name, str(value)

    def fold(self, name: str, value: Any) -> str:
        """Fold a header into text that ends with a line end."""
        lower, text = name.lower(), str(value)
        if lower == "subject":
            is_plain = text.isascii() and "=?" not in text and max(map(len, text.split(" "))) <= _MAX_FOLDABLE_WORD
            text = _encode_header(text, name, None if is_plain else "utf-8")
        elif isinstance(value, AddressHeader):
            text = f",{self.linesep} ".join(_fold_address(a.display_name, a.addr_spec, name) for a in value.addresses)
        elif (
            not (lower in ("message-id", "feedback-id") or lower.startswith("list-"))
            or not text.isascii()
            or len(text) >= _MAX_LINE_LENGTH
        ):
            return str(super().fold(name, value))
        return f"{name}: {text}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")


def _encode_header(text: str, name: str, charset: str | None) -> str:
    return Header(text, charset, maxlinelen=_LINE_LENGTH, header_name=name).encode(linesep="\r\n")


def _fold_address(name: str, address: str, header: str) -> str:
    if name.isascii() and len(name) + len(address) < _MAX_LINE_LENGTH:
        return formataddr((name, address))
    return f"{_encode_header(name, header, 'utf-8')} <{address}>"


MAIL_POLICY = HeaderPolicy(linesep="\r\n", max_line_length=78, cte_type="7bit")


@dataclass(frozen=True, slots=True)
class SenderProfile:
    """The sender's addresses, common to all messages of a newsletter.

    `endpoint` is the https (or loopback) base of a sign-up server; without it subscribers unsubscribe by mail.
    """

    name: str
    address: str
    reply_to: str
    list_id: str
    unsubscribe_address: str
    endpoint: str
    bounce_domain: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    def unsubscribe_url(self, token: str) -> str:
        """Build the link to unsubscribe: a page of the endpoint, else a ready mail."""
        return f"{self.endpoint}/u/{token}" if self.endpoint else self.unsubscribe_mailto_url(token)

    def unsubscribe_mailto_url(self, token: str) -> str:
        return f"mailto:{quote(self.unsubscribe_address, safe='@+')}?subject=unsubscribe%20{quote(token)}"

    def confirmation_url(self, token: str) -> str:
        return f"{self.endpoint}/c/{token}"

    def envelope_sender(self, message_id: str) -> str:
        """Build the bounce address; with a bounce domain each message has its own (VERP)."""
        if not self.bounce_domain:
            return self.address
        return f"bounce+{message_id.strip('<>').partition('@')[0]}@{self.bounce_domain}"


def load_sender_profile(newsletter: Newsletter, mail: MailConfig) -> SenderProfile:
    """Load the sender from the configuration.

    Raises ConfigError for an invalid address, and for SMTP without a sender.
    """
    name, address = parseaddr(mail.sender) if mail.sender else (newsletter.title, newsletter.email)
    if not address and mail.transport != "outbox":
        raise ConfigError("mail.sender: no sender is set", 'set mail.sender: "Name <me@my.org>" in sources.yaml')
    address = normalise_address(address, "mail.sender") if address else _PLACEHOLDER_ADDRESS
    by_mail = mail.unsubscribe_mailto
    return SenderProfile(
        name=normalise_line(name or newsletter.title),
        address=address,
        reply_to=normalise_address(mail.reply_to, "mail.reply_to") if mail.reply_to else "",
        list_id=mail.list_id.strip("<>") or f"{slugify(newsletter.title)}.{address.rpartition('@')[2]}",
        unsubscribe_address=normalise_address(by_mail, "mail.unsubscribe_mailto") if by_mail else address,
        endpoint=(mail.unsubscribe_url or "").rstrip("/"),
        bounce_domain=mail.bounce_domain,
    )


def check_mail_size(content: MailContent, subject: str) -> str:
    """Return a size warning or "". Raises CheckFailedError beyond Gmail's limit."""
    size = measure_html_size(content.html)
    if size > SIZE_LIMIT:
        raise CheckFailedError(
            f"{subject}: the mail's HTML has {size:,} bytes; Gmail cuts at {SIZE_LIMIT:,}",
            "make picks 'also noted', or drop some, then approve and publish again",
        )
    return format_size_warning(size)


def build_message_id(issue: str, token: str, domain: str) -> str:
    """Build a Message-ID that is stable for an issue and a subscriber, and reveals neither."""
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
    """Address a message; equal arguments give equal bytes.

    `issue` and `token` determine the Message-ID.
    """
    unsubscribe_url = sender.unsubscribe_url(token)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=recipient)
    if sender.reply_to:
        mail["Reply-To"] = Address(addr_spec=sender.reply_to)
    mail["Subject"] = normalise_line(content.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = build_message_id(issue, token, sender.domain)
    for name, value in _build_list_headers(sender, token, issue).items():
        mail[name] = value
    mail.set_content(content.text.replace(UNSUBSCRIBE_PLACEHOLDER, unsubscribe_url), cte="quoted-printable")
    if content.html:
        page = content.html.replace(UNSUBSCRIBE_PLACEHOLDER, html.escape(unsubscribe_url))
        mail.add_alternative(page, subtype="html", cte="quoted-printable")
        mail.set_boundary(f"=-{sha256(str(mail['Message-ID']).encode()).hexdigest()[:32]}")
    return seal_message(mail, recipient, sender.envelope_sender(str(mail["Message-ID"])), sign)


def seal_message(mail: EmailMessage, recipient: str, envelope_sender: str, sign: Signer | None) -> Message:
    """Serialise and sign a composed message."""
    raw = mail.as_bytes()
    return Message(recipient, envelope_sender, str(mail["Message-ID"]), sign(raw) if sign else raw)


def _build_list_headers(sender: SenderProfile, token: str, issue: str) -> dict[str, str]:
    """Build the headers of RFC 2919, 2369 and 8058.

    One-Click is promised only where an https endpoint accepts the POST.
    """
    label = re.sub(r"[^A-Za-z0-9 .-]", "", sender.name).strip()
    mailto = f"<{sender.unsubscribe_mailto_url(token)}>"
    feedback = f"{slugify(issue.rpartition('/')[2])[:40]}:issue:digest:{slugify(sender.list_id)[:15].strip('-')}"
    headers = {
        "List-Id": f'"{label}" <{sender.list_id}>' if label else f"<{sender.list_id}>",
        "List-Unsubscribe": f"<{sender.unsubscribe_url(token)}>, {mailto}" if sender.endpoint else mailto,
        "Feedback-ID": feedback,
        "Precedence": "list",
    }
    if sender.endpoint.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
