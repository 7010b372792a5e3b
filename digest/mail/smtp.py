"""Send messages through an SMTP server, one recipient each.

The dialogue is our own, because smtplib does not say whether a lost reply concerns a message that was handed over.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from digest.config.schema import MailConfig
from digest.errors import DeliveryError
from digest.mail.bounces import is_gone_address
from digest.protocols import Message

_BUSY_CODES = (421, 451)  # the server's problem, not the recipient's: try another connection
_RETRY_DELAYS = (2.0, 10.0, 60.0)  # seconds


class _RetryableSmtpError(Exception):
    """A failure before delivery that a new connection may avoid."""


class SmtpTransport:
    """A transport over one connection, at most `per_second` messages.

    It reconnects every `reconnect_every` messages and after a failure.
    """

    def __init__(
        self,
        mail: MailConfig,
        environ: Mapping[str, str],
        *,
        tls: ssl.SSLContext | None = None,
        retry_delays: tuple[float, ...] = _RETRY_DELAYS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._mail = mail
        self._user, self._password = environ.get("DIGEST_SMTP_USER", ""), environ.get("DIGEST_SMTP_PASSWORD", "")
        self._tls = tls or ssl.create_default_context()
        self._retry_delays, self._sleep = retry_delays, sleep
        self._connection: smtplib.SMTP | None = None
        self._sent_count = 0
        self._next_send_at = 0.0

    def send(self, message: Message) -> str:
        """Send a message and return the server's reply.

        Raises DeliveryError, whose flags say whether the outcome is known.
        """
        now = time.monotonic()
        if now < self._next_send_at:
            self._sleep(self._next_send_at - now)
        self._next_send_at = max(now, self._next_send_at) + 1 / self._mail.per_second
        for delay in (*self._retry_delays, None):
            try:
                return self._attempt(message)
            except _RetryableSmtpError as error:
                self.close()
                if delay is None:
                    raise self._build_server_error(str(error), "run the same command later") from error
                self._sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Quit; a server that has closed the connection is no error."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    def _build_server_error(self, detail: object, hint: str) -> DeliveryError:
        address = f"{self._mail.host}:{self._mail.port}"
        return DeliveryError(f"{address}: {detail}", hint, is_temporary=True, is_systemic=True)

    def _attempt(self, message: Message) -> str:
        if self._sent_count >= self._mail.reconnect_every:
            self.close()
        connection = self._connection or self._connect()
        try:
            self._send_envelope(connection, message)
        except (smtplib.SMTPException, OSError) as error:
            detail = f"the connection broke before the message was handed over ({_format_reply(error)})"
            raise _RetryableSmtpError(detail) from error
        try:
            connection.send(_encode_data(message.raw))
            code, reply = connection.getreply()
            if not 200 <= code < 600 or 300 <= code < 400:
                raise smtplib.SMTPException(f"an invalid reply: {code} {_format_reply(reply)}")
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise DeliveryError(
                f"{message.recipient}: no answer after the message was handed over ({_format_reply(error)})",
                f"check whether it arrived; `digest send PERIOD --again {message.recipient}` sends it once more",
                is_outcome_unknown=True,
            ) from error
        self._check_reply(message, code, reply, "the message")
        self._sent_count += 1
        return reply.decode("utf-8", "replace")

    def _send_envelope(self, connection: smtplib.SMTP, message: Message) -> None:
        """Send MAIL, RCPT and DATA; a failure up to here is certain, nothing was delivered."""
        code, reply = connection.mail(message.sender)
        if code >= 500:
            raise self._build_server_error(
                f"mail from {message.sender} is refused: {code} {_format_reply(reply)}",
                "set mail.sender to an address that this server may send for",
            )
        self._check_reply(message, code, reply, "the sender")
        code, reply = connection.rcpt(message.recipient)
        self._check_reply(message, code, reply, "the address")
        code, reply = connection.docmd("DATA")
        if code != 354:
            self._check_reply(message, code, reply, "the message", accepts_success=False)

    def _check_reply(
        self, message: Message, code: int, reply: bytes, subject: str, *, accepts_success: bool = True
    ) -> None:
        if accepts_success and 200 <= code < 300:
            return
        detail = f"{code} {_format_reply(reply)}"
        if code in _BUSY_CODES:
            raise _RetryableSmtpError(detail)
        if not 400 <= code < 600:
            raise _RetryableSmtpError(f"an invalid reply: {detail}")
        with suppress(smtplib.SMTPException, OSError):
            if self._connection is not None:
                self._connection.rset()
        hint = "try again later" if code < 500 else "the address may be gone; `digest subscribers remove` it"
        is_gone = code >= 500 and subject == "the address" and is_gone_address("", detail)
        if is_gone:
            hint = "the reader is taken out; `digest subscribers confirm` brings a mistaken one back"
        raise DeliveryError(
            f"{message.recipient}: {subject} was refused: {detail}",
            hint,
            is_temporary=code < 500,
            is_address_gone=is_gone,
        )

    def _connect(self) -> smtplib.SMTP:
        mail = self._mail
        try:
            connection: smtplib.SMTP
            if mail.security == "tls":
                connection = smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout_seconds, context=self._tls)
            else:
                connection = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_seconds)
            self._connection = connection
            _send_ehlo(connection)
            if mail.security == "starttls":
                if not connection.has_extn("starttls"):
                    raise self._build_server_error(
                        "STARTTLS is not offered, and nothing is sent without it",
                        "mail.security: tls, or none for a server on this machine",
                    )
                connection.starttls(context=self._tls)
                _send_ehlo(connection)
            if self._user:
                connection.login(self._user, self._password)
        except ssl.SSLError as error:
            hint = "mail.host is the name in its certificate; SSL_CERT_FILE=FILE names an authority of your own"
            raise self._build_server_error(error, hint) from error
        except smtplib.SMTPAuthenticationError as error:
            # The cause is dropped: the server's reply may repeat the password.
            hint = "check DIGEST_SMTP_USER and DIGEST_SMTP_PASSWORD"
            raise self._build_server_error(f"the login was refused ({error.smtp_code})", hint) from None
        except smtplib.SMTPNotSupportedError as error:
            hint = "mail.security: starttls, or unset DIGEST_SMTP_USER where the server needs no login"
            raise self._build_server_error("no login is offered", hint) from error
        except (smtplib.SMTPException, OSError) as error:
            raise _RetryableSmtpError(_format_reply(error)) from error
        self._sent_count = 0
        return connection


def _send_ehlo(connection: smtplib.SMTP) -> None:
    code, reply = connection.ehlo()
    if not 200 <= code < 300:
        raise _RetryableSmtpError(f"{code} {_format_reply(reply)}")


def _encode_data(raw: bytes) -> bytes:
    """Double leading dots (RFC 5321 4.5.2) and append the end of the message."""
    body = re.sub(rb"(?m)^\.", b"..", raw)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _format_reply(reply: bytes | BaseException) -> str:
    if isinstance(reply, OSError) and reply.strerror:
        return reply.strerror.lower()
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply) or type(reply).__name__
    return " ".join(text.split())[:200]
