"""Parse and format subscribers as CSV, and normalise their addresses."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import idna

from digest.errors import ConfigError

CSV_COLUMNS = ("address", "name", "state", "topics", "reason", "created", "changed")
_ALIASES = {"email": "address", "e-mail": "address", "email address": "address", "email_address": "address",
            "mail": "address", "full name": "name", "status": "state"}  # fmt: skip
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
# RFC 5321 4.1.2 without quoted strings and address literals, which no subscriber has.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """A line of a list; fields of missing columns are empty."""

    line_number: int
    address: str
    name: str = ""
    state: str = ""
    topics: tuple[str, ...] = ()


def parse_subscriber_csv(data: bytes) -> list[SubscriberRow]:
    """Parse a CSV with a heading, or a plain list of addresses.

    Raises ConfigError for a list without addresses.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # the encoding of spreadsheets
    lines = text.splitlines()
    if not lines:
        return []
    delimiter = ";" if lines[0].count(";") > lines[0].count(",") else ","
    headings = [_ALIASES.get(name.strip().lower(), name.strip().lower()) for name in lines[0].split(delimiter)]
    if "address" not in headings:
        if "@" not in lines[0]:
            raise ConfigError("the list has no column of addresses", "head one 'address' or 'email'")
        headings, lines = ["address"], ["", *lines]
    rows = []
    reader = csv.DictReader(lines[1:], headings, delimiter=delimiter, restval="")
    for number, cells in enumerate(reader, 2 if lines[0] else 1):
        cell = {name: _unescape_formula(cells.get(name) or "") for name in CSV_COLUMNS}
        topics = tuple(cell["topics"].replace(";", " ").split())
        rows.append(SubscriberRow(number, cell["address"], cell["name"], cell["state"].lower(), topics))
    return rows


def format_subscriber_csv(rows: Iterable[Sequence[str]]) -> str:
    """Format a CSV with a heading, in which no cell can run as a spreadsheet's formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows([_escape_formula(cell) for cell in row] for row in rows)
    return out.getvalue()


def _escape_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*_FORMULA_PREFIXES, "'")) else cell


def _unescape_formula(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in (*_FORMULA_PREFIXES, "'") else cell.strip()


def normalise_address(address: str, subject: str = "") -> str:
    """Normalise an address: its domain in lower-case ASCII. Raises ConfigError, which names `subject`."""
    local, at, domain = address.strip().rpartition("@")
    label = f"{subject}: {address!r}" if subject else repr(address)
    if at and not local.isascii():
        raise ConfigError(
            f"{label}: {local!r} is not ASCII; few servers pass such mail on, and SMTPUTF8 is not used",
            "ask the reader for their address in ASCII; after the @ any letters are allowed",
        )
    if not at or not _LOCAL_PART.fullmatch(local) or len(local) > 64:
        raise ConfigError(f"{label} is not a mail address", "write it as name@example.org")
    try:
        ascii_domain = idna.encode(domain.rstrip("."), uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise ConfigError(f"{label}: the domain is invalid: {error}", "check what follows the @") from error
    top = ascii_domain.rpartition(".")[2]
    has_dot, length = "." in ascii_domain, len(local) + len(ascii_domain)
    if ascii_domain != "localhost" and (not has_dot or top.isdigit() or length > 253):
        raise ConfigError(f"{label}: {domain!r} is not a domain", "write it as name@example.org")
    return f"{local}@{ascii_domain.lower()}"
