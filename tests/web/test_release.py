"""The way from an approved issue to its readers, at the desk: the commands' functions, behind a second yes."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from digest.app import Workspace
from digest.web.server import DeskServer
from tests.web import workspace as desk_workspace
from tests.web.axe import script, violations
from tests.web.test_editing_session import enter
from tests.web.workspace import PERIOD, opened, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def approved(root: Path) -> Path:
    """A workspace whose month is approved, with two subscribers."""
    path = root / "sources.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["newsletter"] |= {"email": "eva@example.org", "url": "https://news.example"}
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    draft = root / "site" / "_drafts" / f"{PERIOD}.md"
    text = draft.read_text(encoding="utf-8")
    desk_workspace.run_aside(lambda: _approve(root, draft, text))
    return root


def _approve(root: Path, draft: Path, text: str) -> None:
    from dataclasses import replace

    from digest.drafts.parser import parse_draft
    from digest.drafts.writer import render_draft

    parsed = parse_draft(text)
    sections = tuple(section for section in parsed.sections if section.picks)
    draft.write_text(render_draft(replace(parsed, intro="A month.", sections=sections)), encoding="utf-8")
    with opened(root) as workspace:
        workspace.approve(PERIOD, by="Eva", accept_gaps=True, sign=True)
        _subscribe(workspace)


def _subscribe(workspace: Workspace) -> None:
    for name in ("ada", "grace"):
        workspace.add_subscriber(f"{name}@example.org", confirmed=True)


def test_an_approved_issue_is_published_tested_and_mailed_from_the_desk(
    page: Page, approved: Path, desk: DeskServer
) -> None:
    enter(page, desk)
    page.click("#tab-release")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.locator(".outcome")).to_contain_text("_posts/")
    assert not list((approved / "site" / "_posts").glob(f"*{PERIOD}*"))

    page.get_by_role("button", name="Publish …").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#said")).to_have_text("Nothing was done")
    page.get_by_role("button", name="Publish …").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#state")).to_have_text("published")
    expect(page.locator(".outcome")).to_contain_text("wrote site/_posts/")
    assert list((approved / "site" / "_posts").glob("*.md"))

    page.get_by_label("Send a test to").fill("eva@example.org")
    page.get_by_role("button", name="Send the test").click()
    expect(page.locator(".outcome")).to_contain_text("a test went to eva@example.org")

    page.get_by_role("button", name="Count the subscribers").click()
    expect(page.locator(".outcome")).to_contain_text("2 readers")
    page.get_by_label("Number of subscribers, typed by you").fill("3")
    page.get_by_role("button", name="Send …").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".outcome")).to_contain_text("2 readers would be mailed, not 3")
    page.get_by_label("Number of subscribers, typed by you").fill("2")
    page.get_by_role("button", name="Send …").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#state")).to_have_text("sent")
    until(lambda: len(list((approved / "outbox").glob("*.eml"))) == 3)

    page.locator(".head h1 a").click()
    expect(page.locator(".issues")).to_contain_text(PERIOD)
    expect(page.locator(".issues .badge").first).to_have_text("sent")


def test_axe_core_finds_nothing_in_the_release_and_the_list_of_issues(
    browser: Browser, approved: Path, desk: DeskServer
) -> None:
    source = script()
    with browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True) as context:
        page = context.new_page()
        enter(page, desk)
        page.click("#tab-release")
        page.get_by_role("button", name="Publish …").wait_for()
        assert violations(page, source) == []
        page.get_by_role("button", name="Publish …").click()
        assert violations(page, source) == []
        page.get_by_role("button", name="Yes").click()
        page.get_by_label("Send a test to").wait_for()
        assert violations(page, source) == []
        page.goto(f"http://127.0.0.1:{desk.port}/")
        assert violations(page, source) == []


def test_nothing_reaches_readers_without_a_second_yes(approved: Path, desk: DeskServer) -> None:
    headers = {"Cookie": f"digest_desk_{desk.port}={desk.secrets.cookie}", "X-Desk": desk.secrets.form}
    headers |= {"Origin": f"http://127.0.0.1:{desk.port}", "Accept": "application/json"}
    url = f"http://127.0.0.1:{desk.port}/{PERIOD}/release"
    for step in ("publish", "send", "export"):
        answer = httpx2.post(url, json={"step": step}, headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["error"]) == (400, f"{step} needs a second yes")
    assert not list((approved / "site" / "_posts").glob("*.md"))
