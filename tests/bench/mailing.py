"""How many messages of 70 kB a second leave on one connection to a loopback server, signed and not, journal and all.

The gate is on seconds of the processor, the sender's and the server's together, since both are in this process: that is
the least an idle machine does, and does not move with what else it has to do. Seconds of the clock stand beside them.
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

_LEAST = 60  # messages a second, built and handed over, signed or not
_TEXT = "The model reads what it is given and says what it can, which is less than it seems. "


Rate = tuple[float, float]  # messages a second of the processor, and of the clock


def measure(count: int = 300) -> dict[str, Rate]:
    """What was done, and how fast."""
    letter = Letter("A month of it", _TEXT * 100, "".join(f"<p>{_TEXT}</p>" for _ in range(650)))
    with tempfile.TemporaryDirectory() as folder:
        key = _key(Path(folder))
        mail = Mail(dkim_selector="s", dkim_domain="example.org", dkim_key_file_env="KEY")
        sign = signer(mail, {"KEY": str(key)})
        return {
            "built and handed over": _rate(count, letter, None),
            "signed (2048 bits) too": _rate(count, letter, sign),
            "`digest send`, journal and all, small issue": _whole(Path(folder), count),
        }


def _rate(count: int, letter: Letter, sign: Sign | None) -> Rate:
    faulty = Faulty()
    with serving(faulty, data_size_limit=None) as mail:
        mail = mail.model_copy(update={"reconnect_every": count + 1})
        head: Letterhead = letterhead(configured(mail).newsletter, mail)
        hands = transport(mail, Path())

        def work() -> None:
            for number in range(count):
                to, token = f"reader{number}@example.org", str(number)
                hands.send(compose(head, letter, recipient=to, token=token, issue="i", at=NOW, sign=sign))

        rate = _timed(count, work)
        hands.close()
    assert len(faulty.messages) == count
    return rate


def _whole(folder: Path, count: int) -> Rate:
    publish(folder, count)
    with serving(Faulty()) as mail:
        context = opened(folder, mail)
        return _timed(count, lambda: send(context, PERIOD, yes=True, expect=count))


def _timed(count: int, work: Callable[[], object]) -> Rate:
    processor, clock = time.process_time(), time.perf_counter()
    work()
    return count / (time.process_time() - processor), count / (time.perf_counter() - clock)


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
    for what, (processor, clock) in rows.items():
        print(f"{what}: {processor:.0f} messages a processor second, {clock:.0f} a second by the clock")
    return 0 if all(processor >= _LEAST for processor, _ in list(rows.values())[:2]) else 1


if __name__ == "__main__":
    sys.exit(main())
