"""How our headers are written: never folded into encoded words where a machine reads them, and no subject lost."""

from __future__ import annotations

from email.header import Header
from email.headerregistry import AddressHeader
from email.policy import EmailPolicy
from email.utils import formataddr
from typing import Any

_LINE_LENGTH = 76
_MAX_LINE_LENGTH = 990  # RFC 5322 2.1.1: 998 characters a line
_MAX_FOLDABLE_WORD = 60  # a longer one cannot be folded at a space


class HeaderPolicy(EmailPolicy):
    """SMTP's policy, but for three headers that Python's own folding breaks.

    List-* and Message-ID beyond 78 characters would become encoded words, which no mail program reads as an address;
    some subjects that are not ASCII do not come back as they went in.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Keep a subject as it is given: parsing would decode what only looks like an encoded word."""
        if name.lower() == "subject":
            if {"\r", "\n", "\0"} & set(value):
                raise ValueError("a subject is one line")
            return name, str(value)
        return super().header_store_parse(name, value)

    def fold(self, name: str, value: Any) -> str:
        """The header as text with its line end."""
        lower = name.lower()
        if lower == "subject":
            return f"{name}: {_fold_subject(str(value), self.linesep)}{self.linesep}"
        if isinstance(value, AddressHeader):
            written = f",{self.linesep} ".join(
                _fold_address(a.display_name, a.addr_spec, name) for a in value.addresses
            )
            return f"{name}: {written}{self.linesep}"
        if lower in ("message-id", "feedback-id") or lower.startswith("list-"):
            text = str(value)
            if text.isascii() and len(text) < _MAX_LINE_LENGTH:
                return f"{name}: {text}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")


def _fold_subject(text: str, linesep: str) -> str:
    plain = text.isascii() and "=?" not in text and all(len(word) <= _MAX_FOLDABLE_WORD for word in text.split(" "))
    return Header(text, None if plain else "utf-8", maxlinelen=_LINE_LENGTH, header_name="Subject").encode(
        linesep=linesep
    )


def _fold_address(name: str, address: str, header: str) -> str:
    if name.isascii() and len(name) + len(address) < _MAX_LINE_LENGTH:
        return formataddr((name, address))
    words = Header(name, "utf-8", maxlinelen=_LINE_LENGTH, header_name=header).encode(linesep="\r\n")
    return f"{words} <{address}>"


MAIL_POLICY = HeaderPolicy(linesep="\r\n", max_line_length=78, cte_type="7bit")
