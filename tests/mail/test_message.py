"""One message: its headers survive, its parts stand in order, and the same arguments give the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.config.schema import MailConfig, Newsletter
from digest.errors import CheckFailedError, ConfigError
from digest.mail.message import MAIL_POLICY, check_mail_size, compose_message, load_sender_profile
from digest.mail.subscriber_csv import normalise_address
from digest.publishing.render.email import UNSUBSCRIBE_PLACEHOLDER, MailContent, measure_html_size
from digest.text import normalise_line

AT = datetime(2026, 11, 3, 8, 30, tzinfo=UTC)
NEWSLETTER = Newsletter(title="The Reading Room", email="ana@example.org")
TOKEN = "t" * 32
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=14)


def written(subject: str = "Digest", *, newsletter: Newsletter = NEWSLETTER, **settings: object) -> bytes:
    head = load_sender_profile(newsletter, MailConfig.model_validate(settings))
    letter = MailContent(
        subject, f"Hello.\n{UNSUBSCRIBE_PLACEHOLDER}\n", f'<p>Hello. <a href="{UNSUBSCRIBE_PLACEHOLDER}">x</a></p>'
    )
    return compose_message(
        head, letter, recipient="bob@example.org", token=TOKEN, issue="tag:x.org,2026:digest/monthly/2026-10", at=AT
    ).raw


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("subject", ["News\r\nBcc: all@example.org", "News\nBcc: x", "News\rx", "News\0x"])
def test_a_subject_of_two_lines_is_no_header(subject: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        EmailMessage(policy=MAIL_POLICY)["Subject"] = subject


@settings(max_examples=1000, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=12).map(" ".join))
@example("=?utf-8?q?not_encoded?=")
@example("Ünïcödé " * 9)
@example("x" * 300)
@example("学习" * 60)
@example("a,b; \"c\" <d> (e) 'f' \\ = ? _ & 😀")
def test_every_subject_comes_back_as_it_went_in(subject: str) -> None:
    wanted = normalise_line(subject)
    mail = EmailMessage(policy=MAIL_POLICY)
    mail["Subject"] = wanted
    mail["To"] = "bob@example.org"
    raw = mail.as_bytes()
    assert str(parsed(raw)["Subject"] or "") == wanted
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))
    assert raw.count(b"\r\nTo: ") == 1


@pytest.mark.parametrize("title", ["Ana Ferrer, PhD", "Lectures d'été — ‘IA’", "研究文摘" * 3, 'Say "hi"', "a@b"])
def test_any_name_of_a_sender_comes_back(title: str) -> None:
    sender = parsed(written(newsletter=NEWSLETTER.model_copy(update={"title": title})))["From"].addresses[0]
    assert sender.display_name == title
    assert sender.addr_spec == "ana@example.org"


def test_a_long_way_out_is_never_folded_or_encoded() -> None:
    raw = written(unsubscribe_url="https://a-rather-long-name-of-a-host.example.org/behind/some/long/path")
    line = next(line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe:"))
    assert len(line) > 120
    assert line.startswith(
        b"List-Unsubscribe: <https://a-rather-long-name-of-a-host.example.org/behind/some/long/path/u/"
    )
    assert line.endswith(b"<mailto:ana@example.org?subject=unsubscribe%20" + TOKEN.encode() + b">")


@pytest.mark.parametrize(
    ("endpoint", "one_click"), [("https://x.example", True), ("http://127.0.0.1:8123", False), (None, False)]
)
def test_one_click_is_promised_only_where_an_https_endpoint_takes_it(endpoint: str | None, one_click: bool) -> None:
    message = parsed(written(unsubscribe_url=endpoint))
    assert (message["List-Unsubscribe-Post"] is not None) == one_click
    assert ("/u/" in str(message["List-Unsubscribe"])) == bool(endpoint)


def test_no_address_of_a_reader_stands_in_a_link() -> None:
    message = parsed(written(unsubscribe_url="https://x.example"))
    for part in ("plain", "html"):
        body = message.get_body((part,))
        assert body is not None
        assert "bob" not in body.get_content()
        assert f"https://x.example/u/{TOKEN}" in body.get_content()
    assert "bob" not in str(message["List-Unsubscribe"]) + str(message["Message-ID"])


def test_the_text_comes_first_and_both_parts_are_quoted_printable() -> None:
    message = parsed(written("Ü"))
    kinds = [(part.get_content_type(), part["Content-Transfer-Encoding"]) for part in message.iter_parts()]
    assert kinds == [("text/plain", "quoted-printable"), ("text/html", "quoted-printable")]
    assert message["List-Id"] == '"The Reading Room" <the-reading-room.example.org>'
    assert message["Date"].datetime == AT
    assert message["Feedback-ID"] == "2026-10:issue:digest:the-reading-roo"


def test_the_same_issue_and_reader_give_the_same_bytes() -> None:
    assert written("Ü") == written("Ü")


def test_a_reader_without_html_gets_one_part() -> None:
    letter = MailContent("x", "Only text.\n")
    message = compose_message(
        load_sender_profile(NEWSLETTER, MailConfig()), letter, recipient="b@x.org", token="t", issue="i", at=AT
    )
    assert parsed(message.raw).get_content_type() == "text/plain"


def test_bounces_come_to_an_address_of_the_message_where_a_domain_is_set_aside() -> None:
    head = load_sender_profile(NEWSLETTER, MailConfig(bounce_domain="b.example.org"))
    message = compose_message(head, MailContent("x", "y"), recipient="b@x.org", token="t", issue="i", at=AT)
    local = message.message_id.strip("<>").partition("@")[0]
    assert message.sender == f"bounce+{local}@b.example.org"


def test_html_beyond_what_gmail_shows_is_refused_and_near_it_told() -> None:
    def letter(lines: int) -> MailContent:
        return MailContent("x", "", ("a" * 69 + "é\n") * lines)  # 69 letters, =C3=A9 and a line end: 77 bytes

    assert check_mail_size(letter(1168), "2026-10") == ""
    assert "90,013 bytes" in check_mail_size(letter(1169), "2026-10")
    with pytest.raises(CheckFailedError, match="102,410 bytes"):
        check_mail_size(letter(1330), "2026-10")


def test_the_weight_is_that_of_the_html_in_the_very_message() -> None:
    page = "<p>Ein Übergang – 学习 = gut.</p>\n" * 50 + "x" * 500
    raw = compose_message(
        load_sender_profile(NEWSLETTER, MailConfig()),
        MailContent("x", "t", page),
        recipient="b@x.org",
        token="t",
        issue="i",
        at=AT,
    ).raw
    part = raw.split(b"\r\n--=-")[2]
    assert len(part.partition(b"\r\n\r\n")[2]) in (
        measure_html_size(page),
        measure_html_size(page) - 2,
    )  # the boundary owns the line end


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("Ada.Lovelace+x@Example.ORG", "Ada.Lovelace+x@example.org"),
        (" a@müller.example ", "a@xn--mller-kva.example"),
        ("a@例え.jp", "a@xn--r8jz45g.jp"),
        ("o'neil@a-b.co.uk", "o'neil@a-b.co.uk"),
    ],
)
def test_an_address_is_kept_with_its_domain_in_ascii(given_: str, kept: str) -> None:
    assert normalise_address(given_) == kept


@pytest.mark.parametrize(
    "wrong",
    ["", "a", "@b.org", "a@", "a@b", "a b@c.org", "a..b@c.org", ".a@c.org", "a@c..org", "a@-c.org", "a@1.2.3.4",
     "a@c.org\nBcc: x@y.org", "<a@c.org>", "a@b@c.org", "ü@c.org", "a" * 65 + "@c.org", "a@" + "b." * 130 + "org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError):
        normalise_address(wrong)


@pytest.mark.parametrize("address", ["jürgen@example.org", "用户@例え.jp"])
def test_letters_beyond_ascii_before_the_at_are_refused_with_the_reason_and_a_cure(address: str) -> None:
    with pytest.raises(ConfigError, match="SMTPUTF8 is not used") as caught:
        normalise_address(address)
    assert "in ASCII" in caught.value.hint
