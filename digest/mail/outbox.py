"""Write messages as .eml files into the outbox; the default transport."""

from __future__ import annotations

import os
from pathlib import Path

from digest.errors import DeliveryError
from digest.files import make_partial_path
from digest.protocols import Message
from digest.text import slugify


class OutboxTransport:
    """A transport that writes each message atomically into `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Message) -> str:
        """Write the message and return the file's name."""
        name = f"{slugify(message.message_id)}.eml"
        partial = make_partial_path(self._folder / name)
        try:
            self._folder.mkdir(exist_ok=True)
            with partial.open("wb") as file:
                file.write(message.raw)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._folder / name)
        except OSError as error:
            hint = "check the disk's space and rights"
            raise DeliveryError(f"outbox/{name}: {error}", hint, is_temporary=True) from error
        return name

    def close(self) -> None:
        """Do nothing: no file is kept open."""
