"""A loopback SMTP server that keeps what it was given, and misbehaves where it is told to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from digest.config.schema import MailConfig

Fault = Callable[[int], str | None]  # from the number of the time the verb is used to an answer, or None to accept


class Faulty:
    """`faults` by verb: EHLO, MAIL, RCPT, DATA, and DOT for the answer to the whole message.

    An answer may also be `abort` (the connection is cut), `garbage`, or `slow` (it comes after half a second).
    """

    def __init__(self, **faults: Fault) -> None:
        self.faults = faults
        self.messages: list[tuple[str, str, bytes]] = []  # sender, recipient, raw
        self.connections = 0
        self._times: dict[str, int] = {}

    def answer(self, verb: str) -> str | None:
        self._times[verb] = self._times.get(verb, 0) + 1
        fault = self.faults.get(verb)
        return fault(self._times[verb]) if fault else None

    async def _said(self, server: SMTP, verb: str, good: str) -> str:
        said = self.answer(verb)
        if said == "abort":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            await asyncio.sleep(0)
            return good
        if said == "slow":
            await asyncio.sleep(0.5)
            return good
        return {None: good, "garbage": "%%% what? %%%"}.get(said, said or good)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        said = await self._said(server, "EHLO", "")
        return [said] if said else responses

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        said = await self._said(server, "MAIL", "250 OK")
        if said.startswith("250"):
            envelope.mail_from = address
        return said

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        said = await self._said(server, "RCPT", "250 OK")
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def before_data(self, server: SMTP) -> str:
        return await self._said(server, "DATA", "")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        said = await self._said(server, "DOT", "250 taken")
        if said.startswith("250") or said.startswith("%"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.messages.append((str(envelope.mail_from), envelope.rcpt_tos[0], content))
        return said

    @property
    def recipients(self) -> list[str]:
        return [recipient for _, recipient, _ in self.messages]


class _Asking(SMTP):
    """aiosmtpd asks its handler only after the message; this one asks before, too."""

    async def smtp_DATA(self, arg: str) -> None:
        said = await self.event_handler.before_data(self)
        if said:
            await self.push(said)
        else:
            await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Asking(self.handler, **self.SMTP_kwargs)


@contextmanager
def serving(faulty: Faulty, **options: Any) -> Iterator[MailConfig]:
    """The settings of a server that runs while the block does."""
    with socket.socket() as probe:  # the controller cannot choose a port itself
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = _Controller(faulty, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield MailConfig(
            transport="smtp", sender="Ana <ana@example.org>", host="127.0.0.1", port=port, security="none",
            per_second=1000, timeout_seconds=10,
        )  # fmt: skip
    finally:
        controller.stop()


def first(answer: str, times: int = 1) -> Fault:
    """A fault that passes after so many times."""
    return lambda number: answer if number <= times else None


def always(answer: str) -> Fault:
    return lambda number: answer
