"""Parse delivery reports, complaints and requests to unsubscribe, from an mbox file or a Maildir."""

from __future__ import annotations

import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string, policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Literal

from digest.errors import NotFoundError

# Permanent classes of RFC 3463 that are not the address's fault: mailbox full, message too large, content refused.
_TRANSIENT_STATUS = re.compile(r"5\.(2\.2|2\.3|3\.|4\.|6\.|7\.)")
_UNSUBSCRIBE_SUBJECT = re.compile(r"unsubscribe[ +]([A-Za-z0-9_-]{16,64})", re.IGNORECASE)
_VERP_ADDRESS = re.compile(r"bounce\+([0-9a-f]{32})@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A report; unknown fields are empty, and `message_id` may be only the part before the @."""

    kind: Literal["bounce", "delay", "complaint", "leave"]
    address: str = ""
    message_id: str = ""
    token: str = ""
    reason: str = ""


def read_bounce_reports(path: Path) -> Iterator[BounceReport]:
    """Read every report of an mbox file or a Maildir, skipping other mail. Raises NotFoundError."""
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
    """Parse one message; yields nothing for a message that is no report."""
    kind = str(message.get_param("report-type") or "").lower()
    if message.get_content_type() == "multipart/report" and kind == "delivery-status":
        yield from _parse_delivery_status(message)
    elif message.get_content_type() == "multipart/report" and kind == "feedback-report":
        yield from _parse_complaint(message)
    elif match := _UNSUBSCRIBE_SUBJECT.search(str(message.get("Subject") or "")):
        yield BounceReport("leave", token=match[1])


def _parse_delivery_status(message: Message) -> Iterator[BounceReport]:
    """Parse RFC 3464: header blocks, one for each recipient after the first, which describes the server."""
    message_id = _find_original_message_id(message) or _find_verp_message_id(message)
    for block in _list_header_blocks(message, "message/delivery-status"):
        recipient = block.get("Original-Recipient") or block.get("Final-Recipient")
        action, status = str(block.get("Action") or "").strip().lower(), str(block.get("Status") or "").strip()
        if recipient is None or action not in ("failed", "delayed"):
            continue
        is_permanent = action == "failed" and status.startswith("5") and not _TRANSIENT_STATUS.match(status)
        reason = " ".join(str(block.get("Diagnostic-Code") or status).split())[:200]
        kind: Literal["bounce", "delay"] = "bounce" if is_permanent else "delay"
        yield BounceReport(kind, _parse_address_field(recipient), message_id, reason=reason)


def _parse_complaint(message: Message) -> Iterator[BounceReport]:
    """Parse RFC 5965, which mailbox providers send when a subscriber reports spam."""
    blocks = _list_header_blocks(message, "message/feedback-report")
    if any(str(block.get("Feedback-Type") or "abuse").strip().lower() == "abuse" for block in blocks):
        address = next((block["Original-Rcpt-To"] for block in blocks if block["Original-Rcpt-To"]), "")
        message_id = _find_original_message_id(message)
        yield BounceReport("complaint", _parse_address_field(address), message_id, reason="complaint")


def _list_header_blocks(message: Message, kind: str) -> list[Message]:
    """List the header blocks of a report's machine-readable part."""
    blocks: list[Message] = []
    for part in message.walk():
        payload = part.get_payload()
        if part.get_content_type() != kind:
            continue
        if isinstance(payload, list):
            blocks += [block for block in payload if isinstance(block, Message)]
        else:
            blocks += map(message_from_string, re.split(r"\r?\n\r?\n", str(payload)))
    return blocks


def _find_original_message_id(message: Message) -> str:
    """Find the Message-ID of the enclosed mail, of which a report may hold only the headers."""
    for part in list(message.walk())[1:]:
        if part.get_content_type() in ("text/rfc822-headers", "message/rfc822-headers"):
            return str(message_from_string(str(part.get_payload())).get("Message-ID") or "").strip()
        if part.get_content_type() == "message/rfc822":
            enclosed = part.get_payload()
            if isinstance(enclosed, list) and isinstance(enclosed[0], Message | EmailMessage):
                return str(enclosed[0].get("Message-ID") or "").strip()
    return ""


def _find_verp_message_id(message: Message) -> str:
    names = ("To", "Delivered-To", "X-Original-To", "Envelope-To")
    matches = (_VERP_ADDRESS.search(str(message.get(name) or "")) for name in names)
    return next((match[1].lower() for match in matches if match), "")


def _parse_address_field(field: str) -> str:
    """Parse "rfc822; someone@example.org"."""
    return str(field).rpartition(";")[2].strip().strip("<>")
