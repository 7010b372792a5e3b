"""Parse delivery reports, complaints and requests to unsubscribe, from an mbox file or a Maildir.

A wish to leave in a reader's own words is reported for a person to act on: a From line proves nothing.
"""

from __future__ import annotations

import mailbox
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import parseaddr
from pathlib import Path
from typing import Literal

from digest.errors import NotFoundError
from digest.resources import load_lexicon
from digest.text.html import html_to_text

# Statuses of RFC 3463 that say the address is gone, and permanent ones that say so only by their words: Exchange Online
# answers 5.4.1 and others 5.7.1 for an address that does not exist. 5.1.7 and 5.1.8 are the sender's address.
_GONE_STATUS = re.compile(r"5\.(?:1\.(?:[0-6]|10)|2\.1|4\.4|4\.310)(?!\d)")
_UNCLEAR_STATUS = re.compile(r"5\.(?:2\.[23]|3\.|4\.|6\.|7\.|1\.[78](?!\d))")
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.])5[0-5]\d(?![\d.])")
_GONE_TEXT, _OTHER_TEXT, _WISH = (re.compile(load_lexicon()["bounces"][name]) for name in ("gone", "other", "wish"))
_ANSWERED_TEXT = re.compile(
    r"(?m)^(?:>.*|-{2,} ?(?:Original|Urspr).*|(?:On|Am|Le|El|Il|Em)\b.{3,200}:|_{10,}|From: .*)$"
)
_QMAIL_RECIPIENT = re.compile(r"(?m)^<([^<>\s]+@[^<>\s]+)>:\s*$")
_MAX_TEXT = 5_000  # characters of a message that are read
_UNSUBSCRIBE_SUBJECT = re.compile(r"unsubscribe[ +]([A-Za-z0-9_-]{16,64})", re.IGNORECASE)
_VERP_ADDRESS = re.compile(r"bounce\+([0-9a-f]{32})@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A report; unknown fields are empty, and `message_id` may be only the part before the @."""

    kind: Literal["bounce", "delay", "complaint", "leave", "wish"]
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
    elif failed := _find_failed_recipients(message):
        text = _read_text(message)
        kind_of_report: Literal["bounce", "delay"] = "bounce" if is_gone_address("", text) else "delay"
        message_id = _find_original_message_id(message) or _find_verp_message_id(message)
        yield from (BounceReport(kind_of_report, address, message_id, reason=_find_reply(text)) for address in failed)
    elif not message.get("Auto-Submitted") and (address := parseaddr(str(message.get("From") or ""))[1]):
        subject = str(make_header(decode_header(message["Subject"] or "")))
        own_words = _ANSWERED_TEXT.split(_read_text(message), maxsplit=1)[0]
        if _WISH.search(subject) or _WISH.search(own_words):
            yield BounceReport("wish", address)


def is_gone_address(status: str, text: str) -> bool:
    """Whether a server's permanent refusal says that the address does not exist any more.

    `status` is an enhanced status of RFC 3463, or "" to find one in the server's words.
    """
    stated = _STATUS.search(status) or _STATUS.search(text)
    code = stated[0] if stated else ""
    if stated and code.startswith("5.0.0"):
        code = next((each for each in _STATUS.findall(text) if each != "5.0.0"), code)
    if code.startswith("4") or (not code and not _REPLY_CODE.search(text) and not _GONE_TEXT.search(text)):
        return False
    is_other = _OTHER_TEXT.search(text) is not None
    if _GONE_STATUS.match(code):
        return not (code.startswith("5.1.0") and is_other)
    says_gone = _GONE_TEXT.search(text) is not None
    if not code or _UNCLEAR_STATUS.match(code):
        return says_gone and not is_other
    return says_gone or not is_other


def _find_failed_recipients(message: Message) -> list[str]:
    """Find whom a report without a machine-readable part is about: Exim names them in a header, qmail in its text."""
    if named := str(message.get("X-Failed-Recipients") or ""):
        return [address.strip().strip("<>") for address in named.split(",") if "@" in address]
    is_qmail = "qmail-send program" in (text := _read_text(message)[:_MAX_TEXT])
    return _QMAIL_RECIPIENT.findall(text) if is_qmail else []


def _read_text(message: Message) -> str:
    """Read the beginning of the first part of plain text, else of HTML."""
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and isinstance(payload := part.get_payload(decode=True), bytes):
                text = _decode(payload[: 4 * _MAX_TEXT], str(part.get_content_charset() or "utf-8"))
                return (html_to_text(text) if kind == "text/html" else text)[:_MAX_TEXT]
    return ""


def _decode(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "strict")
    except (LookupError, UnicodeDecodeError):
        return data.decode("cp1252", "replace")


def _find_reply(text: str) -> str:
    """Find the line of a report that holds the server's reply."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return next((line for line in lines if _REPLY_CODE.search(line) or _GONE_TEXT.search(line)), "")[:200]


def _parse_delivery_status(message: Message) -> Iterator[BounceReport]:
    """Parse RFC 3464: header blocks, one for each recipient after the first, which describes the server."""
    message_id = _find_original_message_id(message) or _find_verp_message_id(message)
    for block in _list_header_blocks(message, "message/delivery-status"):
        recipient = block.get("Original-Recipient") or block.get("Final-Recipient")
        action, status = str(block.get("Action") or "").strip().lower(), str(block.get("Status") or "").strip()
        if recipient is None or action not in ("failed", "delayed"):
            continue
        diagnosis = " ".join(str(block.get("Diagnostic-Code") or "").split())
        is_permanent = action == "failed" and not status.startswith("4") and is_gone_address(status, diagnosis)
        reason = (diagnosis or status)[:200]
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
