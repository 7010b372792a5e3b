"""Sends what sign-ups queued, in a thread of its own, so that no answer waits for a mail server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from digest.errors import DigestError

_LOG = logging.getLogger("digest")
_INTERVAL_SECONDS = 60.0  # seconds between looks at what was put off


class ConfirmationSender:
    """Calls `post` when woken, and every minute; lives as long as the block."""

    def __init__(self, send: Callable[[], object], interval: float = _INTERVAL_SECONDS) -> None:
        self._send, self._interval = send, interval
        self._wake_event, self._is_stopped = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def wake(self) -> None:
        """There is something to send."""
        self._wake_event.set()

    def __enter__(self) -> Self:
        self._wake_event.set()  # what an earlier process left
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_stopped = True
        self._wake_event.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake_event.wait(self._interval)
            self._wake_event.clear()
            if self._is_stopped:
                return
            try:
                self._send()
            except DigestError as error:  # the disk, the settings: the next turn may do better
                _LOG.error("confirmations", extra={"facts": {"reason": error.message, "hint": error.hint}})
