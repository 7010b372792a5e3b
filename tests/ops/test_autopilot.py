"""Autopilot publishes and mails what is green in every gate; what is not, or is in a person's hands, it leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from digest.db.issues import get_issue
from digest.demo.server import serve_recorded_sources
from digest.models.items import Item
from digest.ops.schedule import run_due, without_autopilot
from digest.protocols import Report
from tests.ops.test_health import FEEDS
from tests.ops.workspace import MONTH, configure, edit, made, opened

NOW = datetime(2026, 2, 5, 9, tzinfo=UTC)


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A month of items, a reader, autopilot, and an editor who wants to know; nothing drafted."""
    folder = made(tmp_path / "w")
    configure(folder, cadence={"autopilot": True, "remind": "ed@example.org"})
    with opened(folder, NOW) as workspace:
        workspace.add_jsonl(folder / "month.jsonl")
        workspace.add_subscriber("ada@example.org", confirmed=True)
    return folder


def shift(folder: Path, minutes: int = 0) -> dict[str, Report]:
    with opened(folder, NOW + timedelta(minutes=minutes)) as workspace:
        return {report.stage.removeprefix("due:"): report for report in run_due(workspace.context)}


def posts(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.glob("site/_posts/*.md"))]


def recipients(folder: Path) -> list[str]:
    mails = [path.read_text() for path in (folder / "outbox").glob("*.eml")]
    return sorted(line.removeprefix("To: ") for mail in mails for line in mail.splitlines() if line.startswith("To: "))


def drafted_by_hand_first(folder: Path) -> None:
    configure(folder, cadence={"autopilot": False})
    shift(folder)
    configure(folder, cadence={"autopilot": True})


def test_a_shift_may_be_told_to_leave_publishing_to_a_person_whatever_the_cadence_says(ready: Path) -> None:
    with opened(ready, NOW) as workspace:
        done = {report.stage: report for report in run_due(without_autopilot(workspace.context))}
    assert list(done) == ["due:fetch", "due:refresh", "due:draft", "due:remind"]
    assert "waits for `digest approve" in done["due:draft"].line
    assert (posts(ready), recipients(ready)) == ([], ["ed@example.org"])


def test_a_green_draft_is_published_and_mailed_by_itself_and_says_so(ready: Path) -> None:
    done = shift(ready)
    assert {name: report.state for name, report in done.items()} == dict.fromkeys(
        ("fetch", "refresh", "draft", "release"), "done"
    )
    (post,) = posts(ready)
    assert "Chosen by a program, without an editor" in post
    assert recipients(ready) == ["ada@example.org"]
    with opened(ready, NOW) as workspace, workspace.db.read() as session:
        issue = get_issue(session, MONTH)
    assert (issue.state, issue.approved_by) == ("sent", "autopilot")
    assert shift(ready, 20) == {}


def test_a_red_gate_leaves_the_draft_to_a_person_for_good(ready: Path) -> None:
    drafted_by_hand_first(ready)
    with opened(ready, NOW) as workspace, workspace.db.write() as session:
        for item in session.exec(select(Item)):
            item.withdrawn = NOW
            session.add(item)
    release = shift(ready, 1)["release"]
    assert release.state == "failed"
    assert "cannot be approved yet" in release.line
    assert "withdrawn" in release.line
    assert posts(ready) == []
    assert recipients(ready) == ["ed@example.org"]  # the reminder
    assert "release" not in shift(ready, 24 * 60)


def test_a_sheet_a_person_has_touched_is_never_released(ready: Path) -> None:
    drafted_by_hand_first(ready)
    edit(ready)
    assert "a person edited the draft" in shift(ready, 1)["release"].line
    assert posts(ready) == []


def test_what_a_person_has_approved_is_not_released_by_autopilot(ready: Path) -> None:
    drafted_by_hand_first(ready)
    edit(ready)
    with opened(ready, NOW) as workspace:
        workspace.approve(MONTH, by="Ada", accept_gaps=True)
    assert "Ada approved it" in shift(ready, 1)["release"].line
    assert posts(ready) == []


def test_a_release_that_was_stopped_half_way_goes_on(ready: Path) -> None:
    (ready / "site" / "_posts").write_text("in the way")
    assert shift(ready)["release"].state == "failed"
    (ready / "site" / "_posts").unlink()
    assert shift(ready, 5) == {}
    assert shift(ready, 16)["release"].state == "done"
    assert len(posts(ready)) == 1
    assert recipients(ready) == ["ada@example.org"]


def test_a_draft_with_gaps_is_not_released(ready: Path) -> None:
    with serve_recorded_sources() as base:
        urls = [f"{base}/rss/{name}.xml" for name in (*FEEDS[:2], "gone")]
        feeds = [{"id": f"feed-{n}", "kind": "feed", "url": url, "allow_private": True} for n, url in enumerate(urls)]
        configure(ready, sources=feeds)
        done = shift(ready)
    assert done["draft"].state == "partial"
    assert "release" not in done
    assert done["remind"].state == "done"
    assert posts(ready) == []
