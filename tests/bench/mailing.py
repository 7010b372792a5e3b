"""How many messages of 70 kB a second leave on one connection to a loopback server, signed and not, journal and all.

Seconds are of the processor, the sender's and the server's together, since both are in this process; so the figure is
the least that an idle machine does, and does not move with what else it has to do.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from digest.config import Mail
from digest.mail import Letter, Letterhead, Sign, compose, letterhead, signer, transport
from digest.pipeline.send import send
from tests.mail.server import Faulty, serving
from tests.pipeline.mailbench import NOW, PERIOD, configured, opened, publish

_LEAST = 60  # messages a second, built and handed over
_TEXT = "The model reads what it is given and says what it can, which is less than it seems. "


def measure(count: int = 300) -> list[dict[str, float | str]]:
    """Rows: what was done, and messages a second."""
    letter = Letter("A month of it", _TEXT * 100, "".join(f"<p>{_TEXT}</p>" for _ in range(650)))
    with tempfile.TemporaryDirectory() as folder:
        key = _key(Path(folder))
        mail = Mail(dkim_selector="s", dkim_domain="example.org", dkim_key_file_env="KEY")
        sign = signer(mail, {"KEY": str(key)})
        rows: list[dict[str, float | str]] = [
            {"what": "built and handed over", "per_second": _rate(count, letter, None)},
            {"what": "signed (2048 bits) too", "per_second": _rate(count // 3, letter, sign)},
            {"what": "`digest send`, journal and all, small issue", "per_second": _whole(Path(folder), count)},
        ]
    return rows


def _rate(count: int, letter: Letter, sign: Sign | None) -> float:
    faulty = Faulty()
    with serving(faulty, data_size_limit=None) as mail:
        mail = mail.model_copy(update={"reconnect_every": count + 1})
        head: Letterhead = letterhead(configured(mail).newsletter, mail)
        hands = transport(mail, Path())

        def work() -> None:
            for number in range(count):
                to, token = f"reader{number}@example.org", str(number)
                hands.send(compose(head, letter, recipient=to, token=token, issue="i", at=NOW, sign=sign))

        seconds = _timed(work)
        hands.close()
    assert len(faulty.messages) == count
    return count / seconds


def _whole(folder: Path, count: int) -> float:
    publish(folder, count)
    with serving(Faulty()) as mail:
        context = opened(folder, mail)
        return count / _timed(lambda: send(context, PERIOD, yes=True, expect=count))


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _key(folder: Path) -> Path:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(pem)
    return folder / "key.pem"


def main() -> int:
    os.environ.pop("DIGEST_SMTP_USER", None)
    rows = measure()
    for row in rows:
        print(f"{row['what']}: {row['per_second']:.0f} messages a processor second")
    return 0 if float(rows[0]["per_second"]) >= _LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
