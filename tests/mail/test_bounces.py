"""Delivery reports and complaints, as servers write them, from an mbox file and a Maildir."""

from __future__ import annotations

import mailbox
from email import message_from_string
from pathlib import Path

import pytest

from digest.errors import NotFoundError
from digest.mail.bounces import BounceReport, is_gone_address, parse_report, read_bounce_reports

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
    text = report(status, action).replace("no such user", "the mailbox takes nothing now")
    assert [found.kind for found in told(text)] == ["delay"]


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


GONE = [
    ("5.1.1", "smtp; 550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown"),
    ("5.4.1", "smtp; 550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"),
    ("5.1.10", "smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
    ("5.4.310", "smtp; 550 5.4.310 DNS domain does not exist"),
    ("5.7.1", "smtp; 550 5.7.1 Unknown user"),
    ("5.0.0", "smtp; 550 5.1.1 No such user"),
    ("5.0.0", "smtp; 550 Invalid recipient"),
    ("5.5.0", "smtp; 550 Requested action not taken: mailbox unavailable"),
    ("5.2.1", "smtp; 550 5.2.1 The email account that you tried to reach is inactive"),
    ("", "550 Unrouteable address"),
    ("5.1.1", ""),
]
OTHER = [
    ("5.4.1", "smtp; 550 5.4.1 No answer from host"),
    ("5.7.1", "smtp; 550 5.7.1 Message rejected as spam by content filter"),
    ("5.7.26", "smtp; 550 5.7.26 This mail is unauthenticated: SPF and DKIM did not pass"),
    ("5.1.8", "smtp; 550 5.1.8 Sender address rejected: Domain not found"),
    ("5.2.2", "smtp; 552 5.2.2 The email account that you tried to reach is over quota"),
    ("5.3.4", "smtp; 552 5.3.4 Message size exceeds fixed limit"),
    ("5.0.0", "smtp; 550 Blocked: your host is on a block list"),
    ("4.4.7", "smtp; 550 4.4.7 User unknown for now"),
    ("", "421 try again later"),
]


@pytest.mark.parametrize(("status", "words", "is_gone"), [*((*c, True) for c in GONE), *((*c, False) for c in OTHER)])
def test_an_address_is_gone_when_the_server_says_so_by_number_or_by_words(
    status: str, words: str, is_gone: bool
) -> None:
    assert is_gone_address(status, words) is is_gone


def test_reports_without_a_part_for_machines_are_read_too() -> None:
    exim = "From: Mailer-Daemon@mx.example\nX-Failed-Recipients: bob@example.net\n\n550 5.1.1 no such user here\n"
    qmail = (
        "From: MAILER-DAEMON@mx.example\n\nHi. This is the qmail-send program at mx.example.\n\n"
        "<bob@example.net>:\nSorry, no mailbox here by that name. (#5.1.1)\n"
    )
    full = exim.replace("550 5.1.1 no such user here", "552 5.2.2 mailbox is full")
    assert [(each.kind, each.address) for each in told(exim) + told(qmail)] == [("bounce", "bob@example.net")] * 2
    assert [each.kind for each in told(full)] == ["delay"]


@pytest.mark.parametrize(
    "mail",
    [
        "Subject: unsubscribe\n\nThanks.",
        "Subject: Re: AI research digest\n\nUnsubscribe me, please.",
        "Subject: =?utf-8?b?UmU6IERpZ2VzdA==?=\n\nPlease take me off this list.\n",
        "Subject: Re: Digest\n\nBitte aus dem Verteiler nehmen.",
        "Subject: Re: Digest\n\nJe souhaite me désabonner.",
        "Subject: Baja\n\nQuiero darme de baja.",
        "Subject: x\nContent-Type: text/html\n\n<p>Please <b>stop sending</b> me this.</p>",
    ],
)
def test_a_wish_to_leave_in_ones_own_words_is_reported(mail: str) -> None:
    [found] = told(f"From: Ann Lee <ann@readers.example>\n{mail}")
    assert (found.kind, found.address) == ("wish", "ann@readers.example")


@pytest.mark.parametrize(
    "mail",
    [
        "Subject: Re: Digest\n\nGreat issue!\n\nOn Mon, 1 Dec 2025, Digest wrote:\n> To unsubscribe, follow this",
        "Subject: Re: Digest\n\nGreat issue!\n> unsubscribe me",
        "Subject: Out of office\nAuto-Submitted: auto-replied\n\nUnsubscribe me",
        "Subject: lunch\n\nSee you at noon.",
    ],
)
def test_an_answer_that_only_quotes_the_way_out_is_no_wish(mail: str) -> None:
    assert told(f"From: Ann Lee <ann@readers.example>\n{mail}") == []
