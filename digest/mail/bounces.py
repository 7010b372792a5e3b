"""What comes back: delivery reports, complaints and requests to leave, from an mbox file or a Maildir."""

from __future__ import annotations

import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Literal

from digest.errors import NotFoundError

# Classes of RFC 3463 that are 5.x.x and yet not the address's fault: full, too large, or refused for its content.
_TRANSIENT_STATUS = re.compile(r"5\.(2\.2|2\.3|3\.|4\.|6\.|7\.)")
_UNSUBSCRIBE_SUBJECT = re.compile(r"unsubscribe[ +]([A-Za-z0-9_-]{16,64})", re.IGNORECASE)
_VERP_ADDRESS = re.compile(r"bounce\+([0-9a-f]{32})@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BounceReport:
    """One report. `message_id` may be only the part before the @; whatever is not known is empty."""

    kind: Literal["bounce", "delay", "complaint", "leave"]
    address: str = ""
    message_id: str = ""
    token: str = ""
    reason: str = ""


def read_bounce_reports(path: Path) -> Iterator[BounceReport]:
    """Every report in an mbox file or a Maildir; other mail is passed over. Raises NotFoundError."""
    if not path.exists():
        raise NotFoundError(f"{path} does not exist", "name an mbox file or a Maildir")
    box: mailbox.Maildir | mailbox.mbox = (
        mailbox.Maildir(path, create=False) if path.is_dir() else mailbox.mbox(path, create=False)
    )
    try:
        for name in box.keys():  # noqa: SIM118 - a mailbox is no dict
            try:
                with box.get_file(name) as file:
                    message = message_from_bytes(file.read(), policy=policy.compat32)
                yield from parse_report(message)
            except (MessageError, ValueError, LookupError, OSError):
                continue
    finally:
        box.close()


def parse_report(message: Message) -> Iterator[BounceReport]:
    """What one message reports; nothing if it is no report."""
    kind = str(message.get_param("report-type") or "").lower()
    if message.get_content_type() == "multipart/report" and kind == "delivery-status":
        yield from _parse_delivery_status(message)
    elif message.get_content_type() == "multipart/report" and kind == "feedback-report":
        yield from _parse_complaint(message)
    elif found := _UNSUBSCRIBE_SUBJECT.search(str(message.get("Subject") or "")):
        yield BounceReport("leave", token=found[1])


def _parse_delivery_status(message: Message) -> Iterator[BounceReport]:
    """RFC 3464: a part of header blocks, one for each recipient after the first, which is the server's own."""
    about = _find_original_message_id(message) or _find_verp_message_id(message)
    for block in _list_header_blocks(message, "message/delivery-status"):
        recipient = block.get("Original-Recipient") or block.get("Final-Recipient")
        action, status = str(block.get("Action") or "").strip().lower(), str(block.get("Status") or "").strip()
        if recipient is None or action not in ("failed", "delayed"):
            continue
        hard = action == "failed" and status.startswith("5") and not _TRANSIENT_STATUS.match(status)
        words = " ".join(str(block.get("Diagnostic-Code") or status).split())[:200]
        yield BounceReport("bounce" if hard else "delay", _parse_address_field(recipient), about, reason=words)


def _parse_complaint(message: Message) -> Iterator[BounceReport]:
    """RFC 5965, as mailbox providers send when a reader says "this is spam"."""
    blocks = _list_header_blocks(message, "message/feedback-report")
    if any(str(block.get("Feedback-Type") or "abuse").strip().lower() == "abuse" for block in blocks):
        named = next((block["Original-Rcpt-To"] for block in blocks if block["Original-Rcpt-To"]), "")
        yield BounceReport(
            "complaint", _parse_address_field(named), _find_original_message_id(message), reason="complaint"
        )


def _list_header_blocks(message: Message, kind: str) -> list[Message]:
    """The header blocks of a report's machine part, however the parser cut it."""
    found: list[Message] = []
    for part in message.walk():
        if part.get_content_type() != kind:
            continue
        payload = part.get_payload()
        if isinstance(payload, list):
            found += [block for block in payload if isinstance(block, Message)]
        else:
            found += [_parse_headers(block) for block in re.split(r"\r?\n\r?\n", str(payload))]
    return found


def _parse_headers(text: str) -> Message:
    from email import message_from_string

    return message_from_string(text)


def _find_original_message_id(message: Message) -> str:
    """The Message-ID of the mail that the report encloses, whole or only its head."""
    for part in list(message.walk())[1:]:
        if part.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers"):
            return str(_parse_headers(str(part.get_payload())).get("Message-ID") or "").strip()
        if part.get_content_type() == "message/rfc822":
            enclosed = part.get_payload()
            if isinstance(enclosed, list) and isinstance(enclosed[0], Message | EmailMessage):
                return str(enclosed[0].get("Message-ID") or "").strip()
    return ""


def _find_verp_message_id(message: Message) -> str:
    places = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
    found = (_VERP_ADDRESS.search(str(message.get(place) or "")) for place in places)
    return next((match[1].lower() for match in found if match), "")


def _parse_address_field(field: str) -> str:
    """rfc822; someone@example.org"""
    return str(field).rpartition(";")[2].strip().strip("<>")
