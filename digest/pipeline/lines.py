"""Files of JSON lines, gzipped or not, as a person or another program hands them in: bad lines are named."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from digest.errors import NotFoundError, ParseError, describe_read_error

_MAX_SHOWN_LINES = 5


def read_jsonl_bytes(path: Path) -> bytes:
    """A file's bytes, unpacked if they are gzipped, whatever its name; raises NotFoundError or ParseError."""
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        kind = NotFoundError if isinstance(error, FileNotFoundError) else ParseError
        raise kind(
            f"{path} cannot be read: {describe_read_error(error)}", "name a file of JSON lines, or its .gz"
        ) from error


def parse_json_objects(data: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """The objects of JSON lines, and what is wrong with the lines left out, each with its number."""
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for number, line in enumerate(data.split(b"\n"), start=1):  # no other line end: titles may hold U+2028
        try:
            value = json.loads(line) if line.strip() else {}
        except UnicodeDecodeError:
            problems.append(f"line {number}: is not UTF-8 text")
            continue
        except (ValueError, RecursionError):
            problems.append(f"line {number}: is not JSON")
            continue
        if not isinstance(value, dict):
            problems.append(f"line {number}: is not a JSON object")
        elif line.strip():
            rows.append(value)
    return rows, problems


def load_json_objects(path: Path, hint: str) -> list[dict[str, Any]]:
    """Every object of a file; raises ParseError with `hint` where a line is none."""
    rows, problems = parse_json_objects(read_jsonl_bytes(path))
    if problems:
        more = f" (and {len(problems) - _MAX_SHOWN_LINES} more)" if len(problems) > _MAX_SHOWN_LINES else ""
        raise ParseError(f"{path}: {'; '.join(problems[:_MAX_SHOWN_LINES])}{more}", hint)
    return rows
