"""Delivery reports and complaints, as servers write them, from an mbox file and a Maildir."""

from __future__ import annotations

import mailbox
from email import message_from_string
from pathlib import Path

import pytest

from digest.errors import NotFoundError
from digest.mail.bounces import BounceReport, parse_report, read_bounce_reports

MESSAGE_ID = "<0123456789abcdef0123456789abcdef@example.org>"


def report(
    status: str = "5.1.1",
    action: str = "failed",
    to: str = "ana@example.org",
    enclosed: str = "text/rfc822-headers",
    recipient: str = "Final-Recipient: rfc822; bob@example.net",
) -> str:
    return f"""From: MAILER-DAEMON@mx.example.net
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon, 2 Mar 2026 10:00:00 +0000

{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--b
Content-Type: {enclosed}

From: ana@example.org
Message-ID: {MESSAGE_ID}
Subject: x

--b--
"""


def complaint(kind: str = "abuse") -> str:
    return f"""From: fbl@mailbox.example
To: ana@example.org
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A complaint.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
Version: 1
Original-Rcpt-To: <bob@example.net>

--b
Content-Type: message/rfc822

From: ana@example.org
Message-ID: {MESSAGE_ID}

Hello
--b--
"""


def told(text: str) -> list[BounceReport]:
    return list(parse_report(message_from_string(text)))


@pytest.mark.parametrize("enclosed", ["text/rfc822-headers", "message/rfc822"])
def test_a_failed_delivery_names_the_reader_and_the_message(enclosed: str) -> None:
    [found] = told(report(enclosed=enclosed))
    assert (found.kind, found.address, found.message_id) == ("bounce", "bob@example.net", MESSAGE_ID)
    assert "no such user" in found.reason


@pytest.mark.parametrize(
    ("status", "action"), [("4.4.1", "delayed"), ("4.2.2", "failed"), ("5.2.2", "failed"), ("5.7.1", "failed")]
)
def test_what_may_pass_is_no_bounce(status: str, action: str) -> None:
    assert [found.kind for found in told(report(status, action))] == ["delay"]


def test_the_address_as_it_was_written_to_wins_over_where_it_was_forwarded() -> None:
    both = "Original-Recipient: rfc822;bob@example.org\nFinal-Recipient: rfc822; other@example.net"
    assert told(report(recipient=both))[0].address == "bob@example.org"


def test_a_bounce_address_names_the_message_where_the_report_encloses_none() -> None:
    text = report(to="bounce+0123456789abcdef0123456789abcdef@b.example.org", enclosed="text/plain")
    assert told(text)[0].message_id == "0123456789abcdef0123456789abcdef"


def test_delivered_is_no_report_of_failure() -> None:
    assert told(report("2.0.0", "delivered")) == []


def test_a_complaint_names_the_reader_and_other_feedback_is_none() -> None:
    [found] = told(complaint())
    assert (found.kind, found.address, found.message_id) == ("complaint", "bob@example.net", MESSAGE_ID)
    assert told(complaint("not-spam")) == []


def test_a_request_to_leave_is_read_from_its_subject() -> None:
    [found] = told("Subject: Re: unsubscribe abcdefghijklmnop_QRS-1\n\n")
    assert (found.kind, found.token) == ("leave", "abcdefghijklmnop_QRS-1")


def test_ordinary_mail_is_passed_over() -> None:
    assert told("Subject: lunch?\n\nPlease unsubscribe me from lunch.") == []


def test_an_mbox_and_a_maildir_are_read_alike_with_rubbish_between(tmp_path: Path) -> None:
    texts = [
        report(),
        "Content-Type: multipart/report; report-type=delivery-status\n\nrubbish",
        "\x00\xff",
        complaint(),
    ]
    mbox, maildir = mailbox.mbox(tmp_path / "m.mbox"), mailbox.Maildir(tmp_path / "maildir")
    for text in texts:
        mbox.add(text.encode("latin-1"))
        maildir.add(text.encode("latin-1"))
    mbox.close()
    for place in ("m.mbox", "maildir"):
        assert sorted(found.kind for found in read_bounce_reports(tmp_path / place)) == ["bounce", "complaint"]
    with pytest.raises(NotFoundError):
        list(read_bounce_reports(tmp_path / "nothing"))
