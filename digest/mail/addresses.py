"""Whether a text can be a mail address, and how it is written."""

from __future__ import annotations

import re

import idna

from digest.errors import ConfigError

# RFC 5321 4.1.2 without quoted strings and address literals, which no reader has.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LOCALHOST = "localhost"


def normalise_address(address: str, subject: str = "") -> str:
    """The address with its domain in ASCII. Raises ConfigError with the reason; `subject` names the place."""
    local, at, domain = address.strip().rpartition("@")
    place = f"{subject}: " if subject else ""
    if at and not local.isascii():
        raise ConfigError(
            f"{place}{address!r}: {local!r} is not ASCII; few servers pass such mail on, and SMTPUTF8 is not used",
            "ask the reader for their address in ASCII; after the @ any letters will do",
        )
    if not at or not _LOCAL_PART.fullmatch(local) or len(local) > 64:
        raise ConfigError(f"{place}{address!r} is not a mail address", "write it as name@example.org")
    try:
        ascii_ = idna.encode(domain.rstrip("."), uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise ConfigError(f"{place}{address!r}: the domain cannot be: {error}", "look at what follows the @") from error
    top = ascii_.rpartition(".")[2]
    if ascii_ != _LOCALHOST and ("." not in ascii_ or top.isdigit() or len(local) + len(ascii_) > 253):
        raise ConfigError(f"{place}{address!r}: {domain!r} is not a domain", "write it as name@example.org")
    return f"{local}@{ascii_.lower()}"


def address_key(address: str) -> str:
    """What two spellings of one address have in common: no server in use tells upper from lower case."""
    return address.strip().casefold()
