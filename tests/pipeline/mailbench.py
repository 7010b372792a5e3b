"""A workspace with one published issue and some readers; run as a program it mails them, so that it can be killed."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digest.app import Silent
from digest.config import Config, Mail, parse
from digest.mail import transport
from digest.models import Issue, Item, Pick
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.send import send
from digest.store import readers
from digest.store.database import Database
from tests.pipeline.workbench import context

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
PERIOD = Period((2026, 2), (2026, 2))
_YAML = """
newsletter: {title: Test, email: ana@example.org}
sources: [{id: x, kind: feed, url: "https://example.org/feed"}]
taxonomy:
  categories:
  - {slug: models, title: Models, description: New models}
  - {slug: agents, title: Agents, description: Models that act}
"""


def configured(mail: Mail) -> Config:
    return parse(_YAML).model_copy(update={"mail": mail})


def opened(root: Path, mail: Mail | None = None, **changes: Any) -> Context:
    """A context on a folder, with the transport its mail settings name unless another is given."""
    config = configured(mail or Mail())
    facts: dict[str, Any] = {
        "config": config,
        "make_transport": lambda: transport(config.mail, root),
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
            session.add(Pick(issue_id=row.id or 0, item_id=item.id or 0, category="models", position=number))
        for number in range(count):
            readers.subscribe(session, f"reader{number}@example.org", NOW, state="active")
    db.close()


def main(root: str, port: str) -> None:
    """Mail the issue through the server at a port of this machine."""
    mail = Mail(transport="smtp", host="127.0.0.1", port=int(port), security="none", per_second=1000, timeout_seconds=5)
    context = opened(Path(root), mail, progress=Silent())
    send(context, PERIOD, yes=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
