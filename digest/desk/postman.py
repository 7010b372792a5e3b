"""Sends what sign-ups queued, in a thread of its own, so that no answer waits for a mail server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from digest.errors import DigestError

_LOG = logging.getLogger("digest")
_EVERY = 60.0  # seconds between looks at what was put off


class Postman:
    """Calls `post` when woken, and every minute; lives as long as the block."""

    def __init__(self, post: Callable[[], object], every: float = _EVERY) -> None:
        self._post, self._every = post, every
        self._called, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name="postman", daemon=True)

    def wake(self) -> None:
        """There is something to send."""
        self._called.set()

    def __enter__(self) -> Self:
        self._called.set()  # what an earlier process left
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended = True
        self._called.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._called.wait(self._every)
            self._called.clear()
            if self._ended:
                return
            try:
                self._post()
            except DigestError as error:  # the disk, the settings: the next turn may do better
                _LOG.error("confirmations", extra={"facts": {"reason": error.message, "hint": error.hint}})
