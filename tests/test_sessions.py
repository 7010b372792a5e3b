"""A stage loads once, decides, and writes once: at most two read and two write sessions, without those of its run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlmodel import Session

from digest.app import Workspace
from digest.db.engine import Database
from digest.drafts.editing import edit_draft, load_current_draft
from digest.drafts.storage import get_draft_path
from tests.small import filled

MONTH = "2025-06"
_RUN_WRITES = 2  # `record_run` writes the start and the end of a run
Stage = Callable[[Workspace], object]


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the sessions that a test opens; fail where one is opened inside another."""
    opened: Counter[str] = Counter()
    open_now: list[str] = []

    def counted(kind: str, method: Callable[..., contextmanager[Session]]) -> Callable[..., object]:  # type: ignore[valid-type]
        @contextmanager
        def count(database: Database, **options: bool) -> Iterator[Session]:
            assert not open_now, f"a {kind} session inside a {open_now[-1]} session"
            opened[kind] += 1
            open_now.append(kind)
            try:
                with method(database, **options) as session:  # type: ignore[attr-defined]
                    yield session
            finally:
                open_now.pop()

        return count

    for kind in ("read", "write"):
        monkeypatch.setattr(Database, kind, counted(kind, getattr(Database, kind)))
    return opened


STAGES: dict[str, Stage] = {
    "draft": lambda workspace: workspace.draft(MONTH),
    "check": lambda workspace: workspace.check(MONTH, accept_gaps=True),
    "approve": lambda workspace: workspace.approve(MONTH, sign=True, accept_gaps=True),
    "publish": lambda workspace: workspace.publish(MONTH),
}


def test_each_stage_opens_at_most_two_read_and_two_write_sessions(tmp_path: Path, sessions: Counter[str]) -> None:
    with filled(tmp_path) as workspace:
        workspace.draft(MONTH)
        path = get_draft_path(workspace.context, workspace.context.parse_period(MONTH))
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("-->\n", "-->\n\nMy introduction.\n", 1), encoding="utf-8")
        counts = {}
        for name, stage in STAGES.items():
            sessions.clear()
            stage(workspace)
            counts[name] = (sessions["read"], sessions["write"] - _RUN_WRITES)
    assert all(reads <= 2 and writes <= 2 for reads, writes in counts.values()), counts


def test_an_edit_reads_once_and_writes_once(tmp_path: Path, sessions: Counter[str]) -> None:
    with filled(tmp_path) as workspace:
        workspace.draft(MONTH)
        context = workspace.context
        version = load_current_draft(context, context.parse_period(MONTH)).version
        sessions.clear()
        edit_draft(context, context.parse_period(MONTH), version, lambda draft: draft)
    assert sessions == {"read": 1, "write": 1}
