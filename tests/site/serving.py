"""A folder served on a loopback port, for the browser."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

from digest.demo.server import serve_on_loopback


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def served(folder: Path) -> AbstractContextManager[str]:
    """The address of the folder while the block runs."""
    return serve_on_loopback(partial(_Quiet, directory=str(folder)))
