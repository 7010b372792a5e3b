"""Documents for the site and messages for readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Document:
    """A file to be written below the site's root; `path` is relative, with forward slashes."""

    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail to one reader, complete; `raw` is RFC 5322 with CRLF."""

    recipient: str
    sender: str  # envelope
    message_id: str
    raw: bytes


class Transport(Protocol):
    """Hands a message over. Returns the server's words; raises DeliveryError, which says when it is in doubt."""

    def send(self, message: Message) -> str: ...

    def close(self) -> None: ...
