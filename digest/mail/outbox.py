"""The default transport: each message becomes an .eml file in the workspace's outbox; nothing leaves the machine."""

from __future__ import annotations

import os
from pathlib import Path

from digest.errors import DeliveryError
from digest.files import make_partial_path
from digest.protocols import Message
from digest.text import slugify


class OutboxTransport:
    """Writes messages to `folder`, each once and whole."""

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
            raise DeliveryError(
                f"outbox/{name}: {error}", "look at the disk's space and rights", is_temporary=True
            ) from error
        return name

    def close(self) -> None:
        """Nothing is held open."""
