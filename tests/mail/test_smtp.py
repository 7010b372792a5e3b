"""The SMTP transport: what is certain, what may be tried again, and what nobody knows."""

from __future__ import annotations

import pytest
from aiosmtpd.smtp import AuthResult

from digest.config.schema import MailConfig
from digest.errors import DeliveryError
from digest.mail.smtp import SmtpTransport
from digest.protocols import Message
from tests.mail.server import Faulty, always, first, serving

MESSAGE = Message("bob@example.org", "ana@example.org", "<1@example.org>", b"Subject: x\r\n\r\n.dots\r\n..\r\nend\r\n")


def transport(mail: MailConfig, sleep: list[float] | None = None, **environ: str) -> SmtpTransport:
    waited = sleep if sleep is not None else []
    return SmtpTransport(mail, environ, retry_delays=(1.0, 2.0), sleep=waited.append)


def failure(faulty: Faulty, **changes: object) -> DeliveryError:
    with serving(faulty) as mail:
        smtp = transport(mail.model_copy(update=changes))
        with pytest.raises(DeliveryError) as caught:
            smtp.send(MESSAGE)
        smtp.close()
    return caught.value


def test_a_message_arrives_byte_for_byte_with_its_dots() -> None:
    faulty = Faulty()
    with serving(faulty) as mail:
        smtp = transport(mail)
        assert smtp.send(MESSAGE) == "taken"
        smtp.close()
    assert faulty.messages == [("ana@example.org", "bob@example.org", MESSAGE.raw)]


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("answer", ["421 closing", "451 not now"])
def test_a_busy_server_is_asked_again_on_a_new_connection(verb: str, answer: str) -> None:
    faulty, waited = Faulty(**{verb: first(answer, 2)}), list[float]()
    with serving(faulty) as mail:
        smtp = transport(mail, waited)
        smtp.send(MESSAGE)
        smtp.close()
    assert faulty.recipients == ["bob@example.org"]
    assert faulty.connections == 3
    assert [pause for pause in waited if pause >= 1] == [1.0, 2.0]


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", ["abort", "garbage", "slow"])
def test_what_goes_wrong_before_the_message_is_handed_over_is_safe_to_repeat(verb: str, fault: str) -> None:
    faulty = Faulty(**{verb: first(fault)})
    with serving(faulty) as mail:
        patience = 0.2 if fault == "slow" else mail.timeout_seconds  # a busy machine is slow by itself
        smtp = transport(mail.model_copy(update={"timeout_seconds": patience}))
        smtp.send(MESSAGE)
        smtp.close()
    assert faulty.recipients == ["bob@example.org"]


@pytest.mark.parametrize("fault", ["abort", "garbage", "slow"])
def test_a_lost_answer_after_the_message_is_in_doubt_and_not_repeated(fault: str) -> None:
    faulty = Faulty(DOT=always(fault))
    error = failure(faulty, timeout_seconds=0.2)
    assert error.is_outcome_unknown
    assert "--again bob@example.org" in error.hint
    assert faulty.connections == 1


@pytest.mark.parametrize(
    ("verb", "answer", "temporary"),
    [
        ("RCPT", "550 5.1.1 no such user", False),
        ("RCPT", "450 4.2.1 greylisted", True),
        ("DATA", "554 5.5.1 no valid recipients", False),
        ("DATA", "452 4.3.1 full", True),
        ("DOT", "554 5.7.1 refused", False),
        ("DOT", "452 4.3.1 full", True),
    ],
)
def test_a_refusal_is_the_readers_own_and_says_whether_later_may_help(verb: str, answer: str, temporary: bool) -> None:
    error = failure(Faulty(**{verb: always(answer)}))
    assert (error.is_temporary, error.is_outcome_unknown, error.is_systemic) == (temporary, False, False)
    assert answer in error.message


def test_a_refused_sender_stops_the_run_and_is_not_held_against_the_reader() -> None:
    error = failure(Faulty(MAIL=always("553 not your address")))
    assert error.is_systemic
    assert error.is_temporary


def test_a_server_that_refuses_to_be_greeted_stops_the_run() -> None:
    error = failure(Faulty(EHLO=always("550 not you")))
    assert error.is_systemic
    assert "not you" in error.message


def test_no_server_at_all_stops_the_run_after_the_pauses() -> None:
    waited = list[float]()
    smtp = transport(MailConfig(host="127.0.0.1", port=9, security="none", timeout_seconds=1), waited)
    with pytest.raises(DeliveryError, match=r"127\.0\.0\.1:9") as caught:
        smtp.send(MESSAGE)
    assert caught.value.is_systemic
    assert waited[:2] == [1.0, 2.0]


def test_nothing_is_sent_without_starttls_where_it_is_asked_for() -> None:
    faulty = Faulty()
    error = failure(faulty, security="starttls")
    assert "STARTTLS is not offered" in error.message
    assert error.is_systemic
    assert faulty.messages == []


def test_a_refused_login_stops_the_run_and_tells_no_secret() -> None:
    faulty, never = Faulty(), AuthResult(success=False, handled=False)
    with serving(
        faulty, auth_require_tls=False, auth_exclude_mechanism=["LOGIN"], authenticator=lambda *a: never
    ) as mail:
        smtp = transport(mail, DIGEST_SMTP_USER="me", DIGEST_SMTP_PASSWORD="hunter2")
        with pytest.raises(DeliveryError) as caught:
            smtp.send(MESSAGE)
        smtp.close()
    assert caught.value.is_systemic
    assert "the login was refused (535)" in caught.value.message
    assert faulty.connections == 1
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint} {caught.value.__cause__}"


def test_the_rate_is_kept_and_the_connection_renewed() -> None:
    faulty, waited = Faulty(), list[float]()
    with serving(faulty) as mail:
        smtp = transport(mail.model_copy(update={"per_second": 0.5, "reconnect_every": 2}), waited)
        for _ in range(5):
            smtp.send(MESSAGE)
        smtp.close()
    assert faulty.connections == 3
    assert len(waited) == 4
    assert all(pause > 1.5 for pause in waited)
