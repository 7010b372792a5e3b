"""A workspace with one published issue and some readers; run as a program it mails them, so that it can be killed.

`python -m tests.mail.kill_send --kills 12 --readers 1000` does the killing and prints one line.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digest.config.loader import parse_config
from digest.config.schema import Config, MailConfig
from digest.context import Context
from digest.db.deliveries import count_deliveries, load_deliveries
from digest.db.engine import Database
from digest.db.subscribers import add_subscriber, load_active_subscribers
from digest.mail import create_transport
from digest.mail.send import send_issue
from digest.models.issues import Issue, Pick
from digest.models.items import Item
from digest.periods import Period
from digest.protocols import NullProgress
from tests.mail.server import Faulty, serving
from tests.workbench import context

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PERIOD = Period((2026, 2), (2026, 2))
YAML = """
newsletter: {title: Test, email: ana@example.org}
sources: [{id: x, kind: feed, url: "https://example.org/feed"}]
taxonomy:
  categories:
  - {slug: models, title: Models, description: New models}
  - {slug: agents, title: Agents, description: Models that act}
"""


def configured(mail: MailConfig) -> Config:
    return parse_config(YAML).model_copy(update={"mail": mail})


def renamed(config: Config) -> Config:
    """The settings once `agents` is called `actors`, and `models` `systems`."""
    names = {"agents": "actors", "models": "systems"}
    changed = tuple(
        c.model_copy(update={"slug": names[c.slug], "aliases": (c.slug,)}) for c in config.taxonomy.categories
    )
    return config.model_copy(update={"taxonomy": config.taxonomy.model_copy(update={"categories": changed})})


def opened(root: Path, mail: MailConfig | None = None, **changes: Any) -> Context:
    """A context on a folder, with the transport its mail settings name unless another is given."""
    config = configured(mail or MailConfig())
    facts: dict[str, Any] = {
        "config": config,
        "make_transport": lambda: create_transport(config.mail, root),
        "clock": lambda: NOW,
    }
    return context(root, [], **facts | changes)


def publish(root: Path, count: int, **issue: Any) -> None:
    """Store a published issue of two picks in one category, and so many active readers."""
    db = Database(root / "digest.db")
    with db.write() as session:
        row = Issue(
            period=PERIOD.name, title="Test: February 2026", atom_id="tag:example.org,2026:x", state="published",
            created=NOW, published=NOW, sections=[{"slug": "models", "title": "Models"}], **issue,
        )  # fmt: skip
        session.add(row)
        session.flush()
        for number in (1, 2):
            item = Item(
                key=f"url:https://example.org/{number}", source_id="x", title=f"Work {number}",
                url=f"https://example.org/{number}", first_seen=NOW
            )  # fmt: skip
            session.add(item)
            session.flush()
            session.add(Pick(issue_id=row.id, item_id=item.id, category="models", position=number))
        for number in range(count):
            add_subscriber(session, f"reader{number}@example.org", NOW, state="active")
    db.close()


def killed(root: Path, readers: int, kills: int, seed: int) -> dict[str, int]:
    """Mail so many readers with a program that is killed again and again, then left in peace: what everyone got."""
    publish(root, readers)
    dice, faulty, real = random.Random(seed), Faulty(), 0
    with serving(faulty) as mail:
        command = [sys.executable, "-m", "tests.mail.kill_send", str(root), str(mail.port)]
        for _ in range(kills):
            process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
            before, until = len(faulty.messages), time.monotonic() + 20
            wanted = before + dice.randint(1, max(2, readers // (kills + 1)))
            while len(faulty.messages) < wanted and time.monotonic() < until and process.poll() is None:
                time.sleep(0.0005)
            real += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
        subprocess.run(command, check=True)
    got, context = Counter(faulty.recipients), opened(root)
    with context.db.read() as session:
        states = count_deliveries(session, 1)
        doubtful = {reader.address for _, reader in load_deliveries(session, 1, ("unknown",))}
        missing = {reader.address for reader in load_active_subscribers(session)} - set(got)
    context.db.close()
    assert missing <= doubtful, sorted(missing - doubtful)
    return {
        "readers": readers, "kills": real, "got": len(got), "two": sum(count > 1 for count in got.values()),
        "without": len(missing), "unknown": len(doubtful), "sent": states["sent"],
    }  # fmt: skip


def main(root: str, port: str) -> None:
    """Mail the issue through the server at a port of this machine."""
    mail = MailConfig(
        transport="smtp", host="127.0.0.1", port=int(port), security="none", per_second=1000, timeout_seconds=5
    )
    context = opened(Path(root), mail, progress=NullProgress())
    send_issue(context, PERIOD, is_confirmed=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--kills"]:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(killed(Path(folder), readers=int(sys.argv[4]), kills=int(sys.argv[2]), seed=1)))
    else:
        main(*sys.argv[1:])
