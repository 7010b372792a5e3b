"""Structured logs: one JSON object a line on standard error, with run ids, and never a secret of the environment."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from digest.text import escape_hidden_in_json

_SECRET_SUFFIXES = ("KEY", "TOKEN", "SECRET", "PASSWORD", "HOOK", "WEBHOOK")  # how the names of such variables end
_MIN_SECRET_LENGTH = 6  # shorter values would blot out ordinary words


class JsonLogFormatter(logging.Formatter):
    """One record as one line: at, level, event, and the fields the event came with."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        named = {name: value for name, value in environ.items() if name.upper().endswith(_SECRET_SUFFIXES)}
        self._secrets = sorted(
            {value for value in named.values() if len(value) >= _MIN_SECRET_LENGTH}, key=len, reverse=True
        )

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        fields |= getattr(record, "facts", {})
        return self._redact(escape_hidden_in_json(json.dumps(fields, ensure_ascii=False, default=str)))

    def _redact(self, line: str) -> str:
        for secret in self._secrets:
            line = line.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "***")
        return line


def enable_json_logs() -> None:
    """Log from here on; people who did not ask for it get the commands' own lines alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLogFormatter(os.environ))
    logger = logging.getLogger("digest")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
