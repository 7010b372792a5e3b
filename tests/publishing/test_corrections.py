"""A published issue is corrected in the open: dated words on its page, its own `updated` moved, nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest

from digest.app import Workspace
from digest.db.issues import get_issue
from digest.errors import CheckFailedError, ConfigError
from tests.ops.test_walk import tree

LATER = datetime(2026, 2, 3, 9, tzinfo=UTC)
SAID = "The introduction was *wrong*."


def opened(folder: Path) -> Workspace:
    return Workspace(folder, clock=lambda: LATER)


def rewritten(folder: Path, period: str = "2025-05") -> None:
    sheet = folder / "site" / "_drafts" / f"{period}.md"
    sheet.write_text(sheet.read_text().replace("-->\n\n", "-->\n\nSomebody wrote this. ", 1))


@pytest.fixture
def corrected(workspace_folder: Path) -> Callable[[], Path]:
    def make() -> Path:
        rewritten(workspace_folder)
        with opened(workspace_folder) as workspace:
            workspace.approve("2025-05", by="Ana", accept_gaps=True)
            workspace.publish("2025-05", correct=SAID)
        return workspace_folder

    return make


def test_the_post_shows_the_change_and_the_correction_with_its_day(corrected: Callable[[], Path]) -> None:
    post = next((corrected() / "site" / "_posts").glob("*-2025-05.md")).read_text()
    assert "Somebody wrote this" in post
    assert "- **3 February 2026** The introduction was <em>wrong</em>." in post
    assert 'updated_words: "Updated 3 February 2026"' in post


def test_only_its_own_files_and_its_own_updated_change(workspace_folder: Path, corrected: Callable[[], Path]) -> None:
    site = workspace_folder / "site"
    before, told = tree(site), feedparser.parse((site / "feed.xml").read_bytes()).entries
    corrected()
    after = tree(site)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    categories = {path for path in changed if re.fullmatch(r"feed/[a-z-]+\.xml", path)}
    post = next(path for path in after if path.endswith("-2025-05.md") and path.startswith("_posts"))
    twins = {"2025/05/digest/issue.json", "2025/05/digest/issue.md", "llms.txt"}
    allowed = {post, "_drafts/2025-05.md", "feed.xml", "feed.json", "_data/issues.json"} | twins
    assert changed - categories <= allowed
    assert {post, "feed.xml", "feed.json"} <= changed
    entries = feedparser.parse((site / "feed.xml").read_bytes()).entries
    moved = [new for old, new in zip(told, entries, strict=True) if old != new]
    assert [entry.id.rpartition("/")[2] for entry in moved] == ["2025-05"]
    assert moved[0].updated == "2026-02-03T09:00:00Z"
    assert moved[0].published == next(old.published for old in told if old.id == moved[0].id)


def test_the_issue_stays_published_and_its_correction_is_noted_once(corrected: Callable[[], Path]) -> None:
    folder = corrected()
    before = tree(folder / "site")
    with opened(folder) as workspace:
        assert workspace.publish("2025-05", correct=SAID).numbers["changed"] == 0
        assert workspace.publish("2025-05").numbers["changed"] == 0
        with workspace.db.read() as session:
            issue = get_issue(session, "2025-05")
    assert issue.state == "published"
    assert issue.corrections == [{"at": "2026-02-03", "text": SAID}]
    assert tree(folder / "site") == before


def test_a_changed_issue_is_not_published_without_words(workspace_folder: Path) -> None:
    rewritten(workspace_folder)
    with opened(workspace_folder) as workspace:
        told = workspace.approve("2025-05", by="Ana", accept_gaps=True)
        assert "--correct" in told.line
        with pytest.raises(CheckFailedError, match="the issue is published"):
            workspace.publish("2025-05")
        with pytest.raises(ConfigError, match="is empty"):
            workspace.publish("2025-05", correct=" ")


def test_an_approved_correction_does_not_leak_into_the_site_with_another_issue(workspace_folder: Path) -> None:
    rewritten(workspace_folder)
    with opened(workspace_folder) as workspace:
        workspace.approve("2025-05", by="Ana", accept_gaps=True)
        assert workspace.publish("2025-06").numbers["changed"] == 0


def test_a_change_that_nobody_approved_is_not_published_as_a_correction(workspace_folder: Path) -> None:
    rewritten(workspace_folder)
    with opened(workspace_folder) as workspace, pytest.raises(CheckFailedError, match="changed after it was approved"):
        workspace.publish("2025-05", correct=SAID)


def test_what_was_mailed_is_corrected_in_the_same_way(workspace_folder: Path) -> None:
    rewritten(workspace_folder, "2025-12")
    with opened(workspace_folder) as workspace:
        workspace.approve("2025-12", by="Ana", accept_gaps=True)
        workspace.publish("2025-12", correct=SAID)
        with workspace.db.read() as session:
            assert get_issue(session, "2025-12").state == "sent"


def test_a_file_of_ours_that_the_site_no_longer_has_is_removed_and_only_ours(workspace_folder: Path) -> None:
    site = workspace_folder / "site"
    (site / "category" / "mine.html").write_text("mine")
    (site / "assets" / "cards" / "mine.png").write_bytes(b"mine")
    sources = workspace_folder / "sources.yaml"
    old = next(path for path in (site / "assets" / "cards").glob("site-*.png"))
    sources.write_text(sources.read_text().replace("What mattered in AI research", "What counted in AI research"))
    with opened(workspace_folder) as workspace:
        assert workspace.publish("2025-06").numbers["removed"] == 1
    assert not old.exists()
    assert (site / "category" / "mine.html").exists()
    assert (site / "assets" / "cards" / "mine.png").exists()
