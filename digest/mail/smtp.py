"""Hands messages to an SMTP server, one recipient each, and knows exactly when it does not know what became of one."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from digest.config.schema import MailConfig
from digest.errors import DeliveryError
from digest.protocols import Message

_BUSY_CODES = (421, 451)  # the server's trouble rather than the reader's: worth another connection in a moment
_RETRY_DELAYS = (2.0, 10.0, 60.0)  # seconds before each new try


class SmtpTransport:
    """One connection, made anew every `reconnect_every` messages and after trouble; `per_second` is never exceeded."""

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
        """The server's words of acceptance. Raises DeliveryError, whose flags say how sure the failure is."""
        self._wait_for_rate_limit()
        for pause in (*self._retry_delays, None):
            try:
                return self._attempt(message)
            except _RetryableSmtpError as again:
                self.close()
                if pause is None:
                    raise DeliveryError(
                        f"{self._server_address}: {again}",
                        "run the same command later",
                        is_temporary=True,
                        is_systemic=True,
                    ) from again
                self._sleep(pause)
        raise AssertionError("the last turn returns or raises")

    def close(self) -> None:
        """Say goodbye; a server that is gone already does not mind."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
            connection.close()

    @property
    def _server_address(self) -> str:
        return f"{self._mail.host}:{self._mail.port}"

    def _wait_for_rate_limit(self) -> None:
        now = time.monotonic()
        if now < self._next_send_at:
            self._sleep(self._next_send_at - now)
        self._next_send_at = max(now, self._next_send_at) + 1 / self._mail.per_second

    def _attempt(self, message: Message) -> str:
        if self._sent_count >= self._mail.reconnect_every:
            self.close()
        connection = self._connection or self._connect()
        try:
            self._send_envelope(connection, message)
        except (smtplib.SMTPException, OSError) as error:
            raise _RetryableSmtpError(
                f"the connection broke before the message was handed over ({_format_reply(error)})"
            ) from error
        try:
            connection.send(_encode_data(message.raw))
            code, reply = connection.getreply()
            if not 200 <= code < 600 or 300 <= code < 400:
                raise smtplib.SMTPException(f"an answer that is none: {code} {_format_reply(reply)}")
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise DeliveryError(
                f"{message.recipient}: no answer after the message was handed over ({_format_reply(error)})",
                f"look whether it arrived; `digest send PERIOD --again {message.recipient}` sends it once more",
                is_outcome_unknown=True,
            ) from error
        self._check_reply(message, code, reply, "the message")
        self._sent_count += 1
        return reply.decode("utf-8", "replace")

    def _send_envelope(self, connection: smtplib.SMTP, message: Message) -> None:
        """MAIL, RCPT and DATA; up to here every failure is certain, and nothing was delivered."""
        code, reply = connection.mail(message.sender)
        if code >= 500:
            raise DeliveryError(
                f"{self._server_address} does not take mail from {message.sender}: {code} {_format_reply(reply)}",
                "set mail.sender to an address that this server may send for",
                is_temporary=True,
                is_systemic=True,
            )
        self._check_reply(message, code, reply, "the sender")
        code, reply = connection.rcpt(message.recipient)
        self._check_reply(message, code, reply, "the address")
        code, reply = connection.docmd("DATA")
        self._check_reply(message, code, reply, "the message", expected_codes=(354,))

    def _check_reply(
        self, message: Message, code: int, reply: bytes, subject: str, expected_codes: tuple[int, ...] = ()
    ) -> None:
        if code in expected_codes or (not expected_codes and 200 <= code < 300):
            return
        words = f"{code} {_format_reply(reply)}"
        if code in _BUSY_CODES:
            raise _RetryableSmtpError(words)
        if not 400 <= code < 600:
            raise _RetryableSmtpError(f"an answer that is none: {words}")
        with suppress(smtplib.SMTPException, OSError):
            if self._connection is not None:
                self._connection.rset()
        hint = "later it may be taken" if code < 500 else "the address may be gone; `digest subscribers remove` it"
        raise DeliveryError(f"{message.recipient}: {subject} was refused: {words}", hint, is_temporary=code < 500)

    def _connect(self) -> smtplib.SMTP:
        mail = self._mail
        try:
            if mail.security == "tls":
                connection: smtplib.SMTP = smtplib.SMTP_SSL(
                    mail.host, mail.port, timeout=mail.timeout_seconds, context=self._tls
                )
            else:
                connection = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_seconds)
            self._connection = connection
            _send_ehlo(connection)
            if mail.security == "starttls":
                self._start_tls(connection)
            if self._user:
                connection.login(self._user, self._password)
        except ssl.SSLError as error:
            hint = "mail.host is the name in its certificate; SSL_CERT_FILE=FILE names an authority of your own"
            raise _build_connection_error(self._server_address, error, hint) from error
        except smtplib.SMTPAuthenticationError as error:
            # Its words may hold what we sent.
            hint = "look at DIGEST_SMTP_USER and DIGEST_SMTP_PASSWORD"
            raise _build_connection_error(
                self._server_address, f"the login was refused ({error.smtp_code})", hint
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            hint = "mail.security: starttls, or unset DIGEST_SMTP_USER where the server asks for none"
            raise _build_connection_error(self._server_address, "no login is offered", hint) from error
        except (smtplib.SMTPException, OSError) as error:
            raise _RetryableSmtpError(_format_reply(error)) from error
        self._sent_count = 0
        return connection

    def _start_tls(self, connection: smtplib.SMTP) -> None:
        if not connection.has_extn("starttls"):
            hint = "mail.security: tls, or none for a server on this machine"
            raise _build_connection_error(
                self._server_address, "STARTTLS is not offered, and nothing is sent without it", hint
            )
        connection.starttls(context=self._tls)
        _send_ehlo(connection)


class _RetryableSmtpError(Exception):
    """Nothing was delivered, and a new connection may help."""


def _send_ehlo(connection: smtplib.SMTP) -> None:
    code, reply = connection.ehlo()
    if not 200 <= code < 300:
        raise _RetryableSmtpError(f"{code} {_format_reply(reply)}")


def _build_connection_error(place: str, error: object, hint: str) -> DeliveryError:
    return DeliveryError(f"{place}: {error}", hint, is_temporary=True, is_systemic=True)


def _encode_data(raw: bytes) -> bytes:
    """The message as it goes over the wire: dots doubled (RFC 5321 4.5.2), and its end."""
    body = re.sub(rb"(?m)^\.", b"..", raw)
    return body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _format_reply(reply: bytes | BaseException) -> str:
    if isinstance(reply, OSError) and reply.strerror:
        return reply.strerror.lower()
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply) or type(reply).__name__
    return " ".join(text.split())[:200]
