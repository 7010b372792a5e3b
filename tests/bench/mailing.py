"""Messages of an issue of 70 kB to a loopback server on one connection: `digest send`, journal and all, and smtplib.

The server is in a process of its own for both. The peer sends one message again and again, which is the least there is.
"""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from digest.config.schema import MailConfig
from tests.bench.probe import Watch, timed, told
from tests.mail.kill_send import PERIOD, opened, publish
from tests.mail.server import Faulty, serving

TEXT = "The model reads what it is given and says what it can, which is less than it seems. "


def _digest(folder: Path, port: int, count: int) -> float:
    """Each message composed for its reader and written down before and after it leaves."""
    from digest.mail.send import send_issue

    publish(folder, count, intro="\n\n".join([TEXT * 8] * 42))
    mail = MailConfig(
        transport="smtp", host="127.0.0.1", port=port, security="none", per_second=1000, reconnect_every=5000
    )
    context = opened(folder, mail)
    return timed(lambda: send_issue(context, PERIOD, is_confirmed=True, expected_count=count))


def _smtplib(folder: Path, port: int, count: int) -> float:
    message = EmailMessage()
    message["From"], message["Subject"] = "Test <ana@example.org>", "Test: February 2026"
    message.set_content(TEXT * 400)
    message.add_alternative(f"<p>{TEXT * 420}</p>", subtype="html")

    def work() -> None:
        with smtplib.SMTP("127.0.0.1", port) as server:
            for number in range(count):
                server.send_message(message, to_addrs=[f"reader{number}@example.org"])

    return timed(work)


@contextmanager
def _server() -> Iterator[tuple[int, int]]:
    """The port, and the process that listens there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.mailing", "serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.kill()
        process.communicate()


def main(contender: str, count: int) -> None:
    os.environ.pop("DIGEST_SMTP_USER", None)
    with tempfile.TemporaryDirectory() as folder, _server() as (port, server):
        watch = Watch(but=server)
        told("send", {"digest": _digest, "smtplib": _smtplib}[contender](Path(folder), port, count), watch)


def serve() -> None:
    """Take what comes until killed."""
    with serving(Faulty(), data_size_limit=None) as mail:
        print(mail.port, flush=True)
        time.sleep(3600)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        main(sys.argv[1], int(sys.argv[2]))
