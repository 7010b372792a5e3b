"""CSV in and out; address syntax.

Lists of readers as CSV, in and out; no cell can become a formula where the file is opened.

Whether a text can be a mail address, and how it is written.
"""

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


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """A line of a list; `number` is its line in the file. Empty where the column is missing."""

    line_number: int
    address: str
    name: str = ""
    state: str = ""
    topics: tuple[str, ...] = ()


def parse_subscriber_csv(data: bytes) -> list[SubscriberRow]:
    """Rows of a CSV with a heading; a file without one is a list of addresses. Raises ConfigError for no address."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what spreadsheets write
    lines = text.splitlines()
    if not lines:
        return []
    dialect = ";" if lines[0].count(";") > lines[0].count(",") else ","
    headings = [_ALIASES.get(name.strip().lower(), name.strip().lower()) for name in lines[0].split(dialect)]
    if "address" not in headings:
        if "@" not in lines[0]:
            raise ConfigError("the list has no column of addresses", "head one 'address' or 'email'")
        headings, lines = ["address"], ["", *lines]
    reader = csv.DictReader(lines[1:], headings, delimiter=dialect, restval="")
    return [_parse_row(number, cells) for number, cells in enumerate(reader, 2 if lines[0] else 1)]


def _parse_row(number: int, cells: dict[str, str]) -> SubscriberRow:
    cell = {name: _unescape_formula(cells.get(name) or "") for name in CSV_COLUMNS}
    topics = tuple(topic for topic in cell["topics"].replace(";", " ").split() if topic)
    return SubscriberRow(number, cell["address"], cell["name"], cell["state"].lower(), topics)


def format_subscriber_csv(rows: Iterable[Sequence[str]]) -> str:
    """CSV with the heading; a cell a spreadsheet would run as a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows([_escape_formula(cell) for cell in row] for row in rows)
    return out.getvalue()


def _escape_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith((*_FORMULA_PREFIXES, "'")) else cell


def _unescape_formula(cell: str) -> str:
    """Undo `_safe`."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in (*_FORMULA_PREFIXES, "'") else cell.strip()


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
