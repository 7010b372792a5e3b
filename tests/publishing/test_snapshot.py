"""What was published stays as it was, whatever the store learns; a correction changes its own words alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from digest.app import Workspace
from digest.db.issues import get_issue, load_picks, load_published_issues
from digest.models.issues import Issue
from digest.models.items import Item, Mention
from digest.models.predictions import Tagging
from digest.publishing.snapshot import load_issue_view, store_snapshot
from tests.ops.test_walk import tree
from tests.publishing.test_corrections import rewritten

LATER = datetime(2026, 2, 3, 9, tzinfo=UTC)


def opened(folder: Path) -> Workspace:
    return Workspace(folder, clock=lambda: LATER)


@pytest.fixture
def learned(workspace_folder: Path) -> Path:
    """A workspace in whose store everything has changed that pages show of works."""
    with opened(workspace_folder) as workspace, workspace.db.write() as session:
        for issue in load_published_issues(session):
            for _, item in load_picks(session, issue.id):
                item.title, item.authors, item.venue = f"Not {item.title}", ["Somebody Else"], "Elsewhere"
                item.url, item.published, item.withdrawn = "https://example.org/x", LATER, LATER
                item.links = {"code": "https://example.org/code"}
                session.add(item)
                guid = f"{issue.id} {item.key}"
                where = Mention(item_id=item.id, source_id="s", guid=guid, url="", title="", first_seen=LATER)
                session.add(where)
                for tagging in session.exec(select(Tagging).where(Tagging.item_id == item.id)):
                    tagging.confidence = 0.1
    return workspace_folder


def test_publishing_again_changes_no_byte_whatever_the_store_has_learned(learned: Path) -> None:
    before = tree(learned / "site")
    with opened(learned) as workspace:
        for period in ("2025-03", "2025-12", "2025"):
            assert workspace.publish(period).numbers["changed"] == 0
    assert tree(learned / "site") == before


def test_a_correction_of_words_brings_no_other_facts_with_it(learned: Path) -> None:
    rewritten(learned)
    with opened(learned) as workspace:
        workspace.approve("2025-05", by="Ana", accept_gaps=True)
        workspace.publish("2025-05", correct="The introduction was wrong.")
    post = next((learned / "site" / "_posts").glob("*-2025-05.md")).read_text()
    assert "Somebody wrote this" in post
    assert "The introduction was wrong." in post
    assert "Somebody Else" not in post
    assert "### [Not " not in post
    assert "https://example.org/x" not in post
    assert "Withdrawn" not in post


def test_a_mail_sent_later_says_what_the_page_says(learned: Path) -> None:
    with opened(learned) as workspace:
        from digest.mail.send import load_rendered_issue

        letter = load_rendered_issue(workspace.context, workspace.context.parse_period("2025-06")).render_content(())
    assert letter is not None
    assert "Somebody Else" not in letter.text


def test_a_view_is_read_back_as_it_was_kept(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace, workspace.db.write() as session:
        issue = get_issue(session, "2025")
        view = load_issue_view(workspace.context, session, issue)
        moved, digest = issue.updated, issue.content_digest
        store_snapshot(workspace.context, session, issue, view)
        assert (issue.updated, issue.content_digest) == (moved, digest)
        assert len(view.picks()) > 200


def test_an_issue_that_is_not_published_shows_what_the_store_says_now(workspace_folder: Path) -> None:
    with opened(workspace_folder) as workspace, workspace.db.write() as session:
        issue: Issue = get_issue(session, "2025-05")
        issue.state = "draft"
        item: Item = load_picks(session, issue.id)[0][1]
        item.title = "Another title"
        session.add_all((issue, item))
        session.flush()
        assert load_issue_view(workspace.context, session, issue).picks()[0].title == "Another title"


def test_a_review_follows_the_language_of_its_site_and_pictures_that_mails_show_stay(workspace_folder: Path) -> None:
    settings, site = workspace_folder / "sources.yaml", workspace_folder / "site"
    sent = {path.name for path in (site / "assets" / "charts").iterdir()}
    settings.write_text(settings.read_text().replace("language: en", "language: de"))
    with opened(workspace_folder) as workspace:
        workspace.publish("2025")
        assert workspace.publish("2025").numbers["changed"] == 0
    post = next((site / "_posts").glob("*-2025.md")).read_text()
    assert re.findall("<figcaption>(.*?)</figcaption>", post) == [
        "Auswahl nach Rubrik",
        "Gelesen und behalten nach Monat",
    ]
    assert ">Okt</text>" in post
    after = {path.name for path in (site / "assets" / "charts").iterdir()}
    assert sent < after
    assert len(after) == 2 * len(sent)
