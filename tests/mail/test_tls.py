"""Nothing is said to a mail server in clear that is meant to be secret, and to none that cannot prove its name."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from digest.config.schema import MailConfig
from digest.errors import DeliveryError
from digest.mail.smtp import SmtpTransport
from digest.protocols import Message
from tests.mail.certificates import server_context, trusting
from tests.mail.server import Faulty, serving

MESSAGE = Message("bob@example.org", "ana@example.org", "<1@example.org>", b"Subject: x\r\n\r\nHello.\r\n")
SECRETS = {"DIGEST_SMTP_USER": "me", "DIGEST_SMTP_PASSWORD": "hunter2"}
MODES = ["starttls", "tls"]


def options(mode: str, context: ssl.SSLContext) -> dict[str, Any]:
    return {"ssl_context": context} if mode == "tls" else {"tls_context": context}


def smtp(
    mail: MailConfig, mode: str, trust: ssl.SSLContext | None, environ: dict[str, str] | None = None
) -> SmtpTransport:
    settings = mail.model_copy(update={"security": mode})
    return SmtpTransport(settings, environ or {}, tls=trust, retry_delays=(), sleep=lambda seconds: None)


def refusal(transport: SmtpTransport) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        transport.send(MESSAGE)
    transport.close()
    return caught.value


@pytest.mark.parametrize("mode", MODES)
def test_a_message_travels_encrypted(mode: str, tmp_path: Path) -> None:
    class Watching(Faulty):
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            ciphers.append(server.transport.get_extra_info("cipher"))
            return await super().handle_DATA(server, session, envelope)

    ciphers: list[object] = []
    watching, context = Watching(), server_context(tmp_path)
    with serving(watching, **options(mode, context)) as mail:
        transport = smtp(mail, mode, trusting(tmp_path))
        transport.send(MESSAGE)
        transport.close()
    assert watching.recipients == ["bob@example.org"]
    assert ciphers[0] is not None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("host", "days", "known"), [("127.0.0.1", 2, False), ("mail.example.org", 2, True), ("127.0.0.1", 0, True)]
)
def test_a_server_whose_certificate_is_not_its_own_gets_nothing(
    mode: str, host: str, days: int, known: bool, tmp_path: Path
) -> None:
    faulty, context = Faulty(), server_context(tmp_path, host, days)
    with serving(faulty, **options(mode, context)) as mail:
        error = refusal(smtp(mail, mode, trusting(tmp_path) if known else None, SECRETS))
    assert "certificate" in f"{error.message} {error.hint}"
    assert error.is_systemic
    assert faulty.messages == []


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_offers_no_tls_gets_neither_mail_nor_password(mode: str) -> None:
    faulty, heard = Faulty(), list[object]()
    with serving(faulty, auth_require_tls=False, authenticator=lambda *a: heard.append(a)) as mail:
        error = refusal(smtp(mail, mode, None, SECRETS))
    assert error.is_systemic
    assert heard == []
    assert faulty.messages == []


@pytest.mark.parametrize("mode", MODES)
def test_the_password_is_said_only_after_tls(mode: str, tmp_path: Path) -> None:
    said: list[tuple[bool, bytes]] = []

    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        said.append((server.transport.get_extra_info("cipher") is not None, data.password))
        return AuthResult(success=True)

    faulty, context = Faulty(), server_context(tmp_path)
    late = mode == "starttls"  # where TLS comes first, aiosmtpd does not know of it
    with serving(faulty, authenticator=authenticator, auth_require_tls=late, **options(mode, context)) as mail:
        transport = smtp(mail, mode, trusting(tmp_path), SECRETS)
        transport.send(MESSAGE)
        transport.close()
    assert said == [(True, b"hunter2")]
    assert faulty.recipients == ["bob@example.org"]


def test_a_server_that_takes_no_login_is_told_apart_from_one_that_is_busy() -> None:
    faulty = Faulty()
    with serving(faulty) as mail:
        error = refusal(smtp(mail, "none", None, SECRETS))
    assert "no login is offered" in error.message
    assert faulty.connections == 1
    assert faulty.messages == []
