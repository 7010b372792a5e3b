"""Parse and format subscribers as CSV, and normalise their addresses."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import idna

from digest.errors import ConfigError
from digest.mail.list_states import normalise_heading
from digest.resources import load_lexicon

CSV_COLUMNS = ("address", "name", "state", "topics", "reason", "created", "changed")
_COLUMNS_BY_HEADING = {
    heading: name
    for name in ("address", "name", "first_name", "last_name")
    for heading in load_lexicon()["subscriber_list"][name]
}
_FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
# RFC 5321 4.1.2 without quoted strings and address literals, which no subscriber has.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """A line of a list; fields of missing columns are empty."""

    line_number: int
    address: str
    name: str = ""
    topics: tuple[str, ...] = ()
    cells: tuple[tuple[str, str], ...] = ()  # each with its heading, which may say that the reader left


def parse_subscriber_csv(data: bytes) -> list[SubscriberRow]:
    """Parse a CSV with a heading as any platform writes it, or a plain list of addresses.

    Raises ConfigError for a list without addresses.
    """
    try:
        text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # the encoding of spreadsheets
    first_line = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    numbered = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    if not numbered:
        return []
    headings = _name_columns(numbered[0][1])
    if "address" in headings:
        columns, numbered = numbered[0][1], numbered[1:]
    else:
        if not any("@" in cell for cell in numbered[0][1]):
            raise ConfigError("the list has no column of addresses", "head one 'address' or 'email'")
        headings, columns = ["address"], ["address"]
    return [_build_row(number, headings, columns, cells) for number, cells in numbered]


def _name_columns(columns: Sequence[str]) -> list[str]:
    """Name each column: address, first_name, state and so on; others keep their heading."""
    names = [normalise_heading(column) for column in columns]
    columns_named = [_COLUMNS_BY_HEADING.get(name, name) for name in names]
    return [name if name not in columns_named[:position] else "" for position, name in enumerate(columns_named)]


def _build_row(number: int, headings: Sequence[str], columns: Sequence[str], cells: Sequence[str]) -> SubscriberRow:
    unescaped = [_unescape_formula(cell) for cell in cells]
    cell = dict.fromkeys((*CSV_COLUMNS, "first_name", "last_name"), "") | dict(zip(headings, unescaped, strict=False))
    name = cell["name"] or f"{cell['first_name']} {cell['last_name']}".strip()
    topics = tuple(cell["topics"].replace(";", " ").split())
    signs = tuple((column, text) for column, text in zip(columns, unescaped, strict=False) if column)
    return SubscriberRow(number, cell["address"], name, topics, signs)


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
