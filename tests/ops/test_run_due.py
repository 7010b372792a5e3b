"""A shift does what is due, once over all processes; it publishes nothing, or on autopilot only what is green."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from digest.app import Workspace
from digest.db.locks import hold_lock
from digest.demo.server import serve_on_loopback
from digest.ops.cadence import find_pending_jobs
from digest.ops.schedule import combine_reports, run_due
from tests.ops.workspace import MONTH, configure, made, opened

NOW = datetime(2026, 2, 5, 9, tzinfo=UTC)


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A month of items, nothing drafted."""
    folder = made(tmp_path / "w")
    with opened(folder, NOW) as workspace:
        workspace.add_jsonl(folder / "month.jsonl")
    return folder


def drafts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("site/_drafts/*.md"))


def due(workspace: Workspace) -> list[str]:
    return [slot.name for slot, _ in find_pending_jobs(workspace.context)]


def test_what_is_due_is_done_once_and_nothing_is_published(ready: Path) -> None:
    with opened(ready, NOW) as workspace:
        assert due(workspace) == ["fetch", "refresh", "draft"]
        done = run_due(workspace.context)
        assert [report.stage for report in done] == ["due:fetch", "due:refresh", "due:draft"]
        assert combine_reports(done).state == "done"
        assert run_due(workspace.context) == []
    assert drafts(ready) == [f"{MONTH}.md"]
    assert not list(ready.glob("site/_posts/*.md"))
    with opened(ready, NOW + timedelta(days=1)) as tomorrow:
        assert due(tomorrow) == ["fetch"]


def test_a_failed_draft_is_reported_and_waits_before_it_is_tried_again(tmp_path: Path) -> None:
    folder = made(tmp_path / "empty")
    with opened(folder, NOW) as workspace:
        failed = run_due(workspace.context)[-1]
        assert (failed.stage, failed.state) == ("due:draft", "failed")
        assert "holds no items" in failed.line
        assert run_due(workspace.context) == []
        workspace.add_jsonl(folder / "month.jsonl")
    with opened(folder, NOW + timedelta(minutes=16)) as later:
        assert [report.state for report in run_due(later.context)] == ["done"]
    assert drafts(folder) == [f"{MONTH}.md"]


def test_status_says_what_is_due_what_is_tried_again_and_what_comes_next(tmp_path: Path) -> None:
    folder = made(tmp_path / "empty")
    following = {"work": "draft", "period": "2026-02", "state": "next", "at": "2026-03-04 08:00 CET"}
    with opened(folder, NOW) as workspace:
        told = [asdict(row) for row in workspace.status().due]
        assert [(row["work"], row["state"]) for row in told[:-1]] == [(name, "due") for name in due(workspace)]
        assert (told[2]["at"], told[-1]) == ("2026-02-04 08:00 CET", following)
        run_due(workspace.context)
    with opened(folder, NOW + timedelta(minutes=1)) as later:
        failed = {"work": "draft", "period": MONTH, "state": "waits", "at": "2026-02-05 10:15 CET"}
        assert [asdict(row) for row in later.status().due] == [failed, following]


def test_a_shift_that_makes_up_for_several_asks_each_source_once(ready: Path) -> None:
    asked: list[str] = []

    class Feed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<rss version='2.0'><channel><title>t</title></channel></rss>")

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with serve_on_loopback(Feed) as base:
        sources = [
            {"id": name, "kind": "feed", "url": f"{base}/{name}", "allow_private": True, "interval_hours": 200}
            for name in ("one", "two")
        ]
        configure(ready, sources=sources)
        with opened(ready, NOW) as workspace:
            assert [report.stage for report in run_due(workspace.context)] == ["due:fetch", "due:refresh", "due:draft"]
        assert sorted(asked) == ["/one", "/two"]
        with opened(ready, NOW + timedelta(days=7)) as next_week:
            run_due(next_week.context)
        assert sorted(asked) == ["/one", "/one", "/two", "/two"]  # the refresh asks what the nightly fetch need not


def test_two_schedulers_do_not_do_the_same_work(ready: Path) -> None:
    with opened(ready, NOW) as one, opened(ready, NOW) as other:
        with hold_lock(one.db, "schedule") as ours:
            assert ours
            assert run_due(other.context) == []
        assert len(run_due(other.context)) == 3


def test_an_issue_out_of_the_editors_hands_is_not_drafted_again(folder: Path) -> None:
    with opened(folder, NOW) as workspace:
        assert "draft" not in due(workspace)
