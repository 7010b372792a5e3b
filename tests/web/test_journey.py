"""An issue from 11,000 candidates by the keyboard alone: picks, blurbs, moves, undo, approval, site, test mail."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from digest.models.items import Item
from digest.web.server import DeskServer
from tests.bench.desk import fill
from tests.web.test_editing_session import enter, keys, pick, sheet
from tests.web.workspace import desk as running_desk
from tests.web.workspace import run_aside, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


class Keyboard:
    """A keyboard that counts: a key, or a text typed without a pause, is one action."""

    def __init__(self, page: Page) -> None:
        self.page, self.actions = page, 0

    def press(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)
            self.actions += 1

    def type(self, text: str) -> None:
        self.page.keyboard.insert_text(text)
        self.actions += 1


def _fill(server: DeskServer) -> None:
    fill(server.context)
    with server.context.db.write() as session:
        for item in session.exec(select(Item).where(col(Item.key).startswith("url:")).limit(50)):
            item.kind = "post"
            session.add(item)


def test_an_issue_is_made_by_the_keyboard_alone(page: Page, root: Path) -> None:
    path = root / "sources.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["newsletter"] |= {"email": "eva@example.org", "url": "https://news.example"}
    path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    with running_desk(root) as server:
        run_aside(lambda: _fill(server))
        enter(page, server)
        keyboard = Keyboard(page)
        proposed = keys(root)
        page.locator('select[name="mark"]').select_option("open")
        until(
            lambda: page.evaluate(
                "document.querySelectorAll('.row').length && !document.querySelector('.row[data-mark=x]')"
            )
        )
        empty = [s for s in sheet(root).sections if not s.picks]
        digits = [page.locator(f'.block[data-section="{s.slug}"] kbd').inner_text() for s in empty]
        keyboard.press("/", "Enter")
        for number in range(12):  # twelve picks, the first ones into the sections that are empty
            keyboard.press(digits[number] if number < len(digits) else "x", "j")
        until(lambda: len(keys(root)) == len(proposed) + 12)
        keyboard.press("l")
        for number in range(5):
            keyboard.press("e", "Control+a")
            keyboard.type(f"My own words, number {number}.")
            keyboard.press("Escape", "j")
        until(lambda: sum(p.origin == "editor" for _, p in sheet(root).iter_picks()) == 5)
        expect(page.locator("#said")).to_have_text("Saved")
        longest = max(sheet(root).sections, key=lambda section: len(section.picks))
        keyboard.press("g", page.locator(f'.block[data-section="{longest.slug}"] kbd').inner_text())
        first, second = (p.key for p in longest.picks[:2])
        assert page.evaluate("document.activeElement.dataset.key") == first
        keyboard.press("J")
        until(lambda: keys(root).index(second) < keys(root).index(first))
        expect(page.locator("#said")).to_have_text("Picked")
        keyboard.press("K")
        until(lambda: keys(root).index(first) < keys(root).index(second))
        expect(page.locator("#said")).to_have_text("Picked")
        before = keys(root)
        keyboard.press("x")
        until(lambda: len(keys(root)) == len(proposed) + 11)
        keyboard.press("u")
        until(lambda: len(keys(root)) == len(proposed) + 12)
        assert pick(root, first).key == first
        assert set(keys(root)) == set(before)

        keyboard.press("i")
        keyboard.type("What mattered in October.")
        keyboard.press("Escape", "S")
        keyboard.type("October: agents that check their own work")
        keyboard.press("Tab")
        keyboard.type("Twelve works, two of them with code.")
        keyboard.press("Enter")
        until(lambda: sheet(root).preheader == "Twelve works, two of them with code.")
        keyboard.press("a")
        expect(page.locator(".problems")).to_have_attribute("data-count", "0")
        until(lambda: page.evaluate("document.activeElement.matches('#approve .primary')"))
        keyboard.press("Enter")
        expect(page.locator("#state")).to_have_text("approved")
        page.locator("body").evaluate("() => document.activeElement.blur()")
        keyboard.press("P")
        until(lambda: page.evaluate("document.activeElement.textContent.includes('Show what')"))
        keyboard.press("Tab", "Enter")
        until(lambda: page.evaluate("document.querySelector('#confirm').open"))
        keyboard.press("Tab", "Enter")
        expect(page.locator("#state")).to_have_text("published")
        keyboard.press("P")
        until(lambda: page.evaluate("document.activeElement.name === 'address'"))
        keyboard.type("eva@example.org")
        keyboard.press("Enter")
        expect(page.locator(".outcome")).to_contain_text("a test went to eva@example.org")
        assert list((root / "site" / "_posts").glob("*.md"))
        (sent,) = (root / "outbox").glob("*.eml")
        mail = message_from_bytes(sent.read_bytes(), policy=default)
        html = mail.get_body(("html",))
        assert mail["Subject"] == "[Test] October: agents that check their own work"
        assert html is not None
        assert "Twelve works, two of them with code." in html.get_content()
        assert keyboard.actions <= 120
