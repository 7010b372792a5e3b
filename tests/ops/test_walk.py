"""The walk: from real HTTP sources to a drafted, published, built and mailed issue, and again without a change."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import feedparser
import pytest
from bs4 import BeautifulSoup
from sqlmodel import select

from digest.app import Workspace
from digest.db.issues import get_issue, load_picks, load_published_issues
from digest.db.runs import count_unexplained
from digest.demo import DEMO_SUBSCRIBERS, DemoResult
from digest.demo.records import RECORDED_PUBLISHERS, load_recorded_posts, load_recorded_works
from digest.errors import CheckFailedError
from digest.models.runs import Run, SourceResultRow

AFTER = datetime(2026, 1, 6, tzinfo=UTC)


def opened(folder: Path) -> Workspace:
    return Workspace(folder, clock=lambda: AFTER)


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "_site" not in path.parts
    }


def test_the_recording_is_large_and_true_to_its_promise() -> None:
    assert len(load_recorded_works()) >= 300
    assert sum(bool(work.summary) for work in load_recorded_works()) >= 180
    assert len({f"{work.published:%Y-%m}" for work in load_recorded_works()}) == 12
    assert sum(len(load_recorded_posts(slug)) for slug in RECORDED_PUBLISHERS) >= 60


def test_everything_recorded_is_read_and_accounted_for(told: tuple[Path, DemoResult]) -> None:
    folder, story = told
    recorded = len(load_recorded_works()) + sum(len(load_recorded_posts(slug)) for slug in RECORDED_PUBLISHERS)
    with opened(folder) as workspace, workspace.db.read() as session:
        run = session.exec(select(Run).where(Run.stage == "fetch")).one()
        counts = list(session.exec(select(SourceResultRow).where(SourceResultRow.run_id == run.id)))
    assert {count.source_id for count in counts} == {"arxiv", *RECORDED_PUBLISHERS}
    assert sum(count.found for count in counts) == recorded
    assert all(count_unexplained(count) == 0 for count in counts)
    assert story.numbers["items"] == recorded - sum(count.duplicate for count in counts)


def test_every_pick_of_every_month_stands_on_its_built_page(told: tuple[Path, DemoResult], jekyll_site: Path) -> None:
    folder, _ = told
    with opened(folder) as workspace, workspace.db.read() as session:
        for issue in load_published_issues(session):
            if issue.kind != "monthly":
                continue
            year, month = issue.period.split("-")
            page = BeautifulSoup((jekyll_site / year / month / "digest" / "index.html").read_text(), "lxml")
            shown = page.get_text(" ", strip=True)
            picks = load_picks(session, issue.id)
            assert picks
            for _, item in picks:
                assert re.sub(r"\s+", " ", item.title) in re.sub(r"\s+", " ", shown)
                assert page.find("a", href=item.url), item.url


def test_blurbs_are_sentences_of_the_source_and_are_said_to_be(told: tuple[Path, DemoResult]) -> None:
    folder, _ = told
    with opened(folder) as workspace, workspace.db.read() as session:
        issue = get_issue(session, "2025-06")
        rows = load_picks(session, issue.id)
    quoted = [(pick, item) for pick, item in rows if pick.blurb]
    assert quoted
    post = next((folder / "site" / "_posts").glob("*-2025-06.md")).read_text()
    assert post.count("\n> ") == len(quoted)  # typeset as quotations
    for pick, item in quoted:
        assert pick.origin == "source"
        assert all(part in item.summary for part in re.split(r"(?<=[.!?]) (?=[A-Z])", pick.blurb))


def test_the_feed_is_well_formed_and_holds_every_issue(told: tuple[Path, DemoResult]) -> None:
    folder, story = told
    feed = feedparser.parse((folder / "site" / "feed.xml").read_bytes())
    assert not feed.bozo
    assert len(feed.entries) == story.numbers["issues"] == 13
    assert len({entry.id for entry in feed.entries}) == 13
    assert len(json.loads((folder / "site" / "feed.json").read_text())["items"]) == 13


def test_each_reader_has_one_message_with_every_pick(told: tuple[Path, DemoResult]) -> None:
    folder, _ = told
    messages = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in (folder / "outbox").glob("*.eml")
    ]
    assert sorted(str(message["To"]) for message in messages) == sorted(DEMO_SUBSCRIBERS)
    with opened(folder) as workspace, workspace.db.read() as session:
        issue = get_issue(session, "2025-12")
        titles = [item.title for _, item in load_picks(session, issue.id)]
    for message in messages:
        plain, html = message.get_body(("plain",)), message.get_body(("html",))
        assert plain is not None
        assert html is not None
        words = re.sub(r"\s+", " ", plain.get_content())
        assert all(title in words for title in titles)


def test_doing_it_all_again_changes_no_byte_of_the_site(workspace_folder: Path) -> None:
    before = tree(workspace_folder / "site")
    with opened(workspace_folder) as workspace:
        assert workspace.tag().numbers["tagged"] == 0
        for period in ("2025-03", "2025-12", "2025"):
            assert workspace.publish(period).numbers["changed"] == 0
        assert workspace.send("2025-12", yes=True).numbers == {"sent": 0}
    assert tree(workspace_folder / "site") == before


def test_a_sheet_changed_after_approval_is_not_published(workspace_folder: Path) -> None:
    sheet = workspace_folder / "site" / "_drafts" / "2025-05.md"
    sheet.write_text(sheet.read_text().replace("-->\n\n", "-->\n\nSomebody wrote this. ", 1))
    with opened(workspace_folder) as workspace, pytest.raises(CheckFailedError, match="changed after it was approved"):
        workspace.publish("2025-05")


def test_nothing_is_published_that_nobody_approved(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace:
        workspace.draft("2026-01", accept_gaps=True)
        with pytest.raises(CheckFailedError, match="draft"):
            workspace.publish("2026-01")


def test_the_editors_words_survive_a_second_draft(workspace_folder: Path) -> None:
    folder = workspace_folder
    with Workspace(folder, clock=lambda: AFTER) as workspace:
        workspace.rank("2025-01..2025-02")
        workspace.draft("2025-01..2025-02")
        sheet = folder / "site" / "_drafts" / "2025-01..2025-02.md"
        text = sheet.read_text()
        first = re.search(r"^### .*$", text, re.MULTILINE)
        assert first
        mine = text.replace(first[0], first[0] + "\n\nMy own two cents about it.", 1)
        sheet.write_text(mine)
        workspace.draft("2025-01..2025-02")
        assert "My own two cents about it." in sheet.read_text()
