"""`digest send` as the program it is: beside another that is at work, and before a server it must learn to trust."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from digest.config.schema import MailConfig
from tests.mail.certificates import server_context
from tests.mail.kill_send import PERIOD, YAML, publish
from tests.mail.server import Faulty, serving

_HOST = "{transport: smtp, host: 127.0.0.1, port: %d, security: %s, timeout_seconds: 30, per_second: 1000}"


def started(root: Path, *words: str, **environ: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "digest", "-w", str(root), "send", PERIOD.name, *words]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1", **environ}, **pipes)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def workspace(root: Path, mail: MailConfig, security: str = "none") -> None:
    publish(root, 3)
    (root / "sources.yaml").write_text(f"{YAML}mail: {_HOST % (mail.port, security)}\n")


class Holding(Faulty):
    """Answers the first message only when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.holds, self.go = threading.Event(), threading.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.holds.set()
        await asyncio.to_thread(self.go.wait, 60)
        return await super().handle_DATA(server, session, envelope)


def test_while_one_is_in_the_middle_of_a_message_another_is_refused_and_sends_nothing(tmp_path: Path) -> None:
    holding = Holding()
    with serving(holding) as mail:
        workspace(tmp_path, mail)
        first = started(tmp_path, "--yes", "--expect", "3")
        assert holding.holds.wait(60)
        refusals = [ended(started(tmp_path, *words)) for words in (["--yes", "--expect", "3"], [])]
        connections = holding.connections
        holding.go.set()
        code, told = ended(first)
    assert [number for number, _ in refusals] == [4, 4]
    assert all("another `digest send` is running" in words for _, words in refusals)
    assert connections == 1
    assert (code, "3 sent" in told) == (0, True)
    assert sorted(holding.recipients) == [f"reader{number}@example.org" for number in range(3)]


def test_an_authority_of_ones_own_is_trusted_once_it_is_named(tmp_path: Path) -> None:
    faulty, certificate = Faulty(), tmp_path / "cert.pem"
    with serving(faulty, tls_context=server_context(tmp_path), require_starttls=True) as mail:
        workspace(tmp_path, mail, "starttls")
        code, told = ended(started(tmp_path, "--yes", "--expect", "3"))
        assert (code, faulty.messages) == (3, [])
        assert "SSL_CERT_FILE" in told
        code, told = ended(started(tmp_path, "--yes", "--expect", "3", SSL_CERT_FILE=str(certificate)))
    assert (code, "3 sent" in told) == (0, True)
    assert len(faulty.messages) == 3
