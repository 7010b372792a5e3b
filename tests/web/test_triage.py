"""Triage as people know it from mail: a dense list, the text beside it, keys, undo, maybe, seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from digest.web.server import DeskServer
from tests.web.test_editing_session import enter, keys, pick, row, sheet, write
from tests.web.workspace import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_twelve_candidates_are_on_a_screen_and_the_text_of_one_is_beside_them(page: Page, desk: DeskServer) -> None:
    enter(page, desk)
    page.set_viewport_size({"width": 1440, "height": 900})
    inside = (
        "[...document.querySelectorAll('.row')].filter(r => r.getBoundingClientRect().bottom <= innerHeight).length"
    )
    assert page.evaluate(inside) >= 12
    page.click("#density")
    assert page.evaluate(inside) >= 16
    page.keyboard.press("j")
    page.keyboard.press("j")
    title = page.evaluate("document.activeElement.getAttribute('aria-label')")
    expect(page.locator("#read h3")).to_have_text(title)
    expect(page.locator("#read")).to_contain_text("The method needs no further training")


def test_what_was_done_is_undone_step_by_step_with_its_text(page: Page, desk: DeskServer, root: Path) -> None:
    enter(page, desk)
    before = keys(root)
    write(page, before[0], "My *own* words.")
    until(lambda: pick(root, before[0]).blurb == "My *own* words.")
    page.locator(f'.pick[data-key="{before[0]}"]').get_by_role("button", name="Take out").click()
    until(lambda: before[0] not in keys(root))
    expect(page.locator("#said")).to_have_text("Taken out")
    page.get_by_role("button", name="Undo").click()
    until(lambda: before[0] in keys(root))
    assert keys(root) == before
    assert pick(root, before[0]).blurb == "My *own* words."
    expect(page.locator("#said")).to_contain_text("Undone")
    refused = row(page, " ")
    page.locator(f'.row[data-key="{refused}"]').focus()
    page.keyboard.press("r")
    expect(page.locator(f'.row[data-key="{refused}"] .mark')).to_have_text("Rejected")
    page.keyboard.press("Control+z")
    expect(page.locator(f'.row[data-key="{refused}"] .mark')).to_have_text("")
    assert page.evaluate("document.activeElement.dataset.key") == refused


def test_several_are_picked_at_once_and_undone_at_once(page: Page, desk: DeskServer, root: Path) -> None:
    enter(page, desk)
    before = keys(root)
    chosen = [
        name for name in (page.locator('.row[data-mark=" "]').nth(n).get_attribute("data-key") for n in (0, 1)) if name
    ]
    for name in chosen:
        page.locator(f'.row[data-key="{name}"]').focus()
        page.keyboard.press("v")
    page.keyboard.press("x")
    until(lambda: set(chosen) <= set(keys(root)))
    page.keyboard.press("u")
    until(lambda: keys(root) == before)


def test_maybe_and_seen_are_kept_and_narrow_the_list(page: Page, desk: DeskServer) -> None:
    enter(page, desk)
    wanted = row(page, " ")
    page.locator(f'.row[data-key="{wanted}"]').focus()
    page.keyboard.press("m")
    expect(page.locator("#said")).to_have_text("Maybe")
    page.keyboard.press("s")
    expect(page.locator("#said")).to_contain_text("seen")
    page.reload()
    expect(page.locator(f'.row[data-key="{wanted}"] .mark')).to_have_text("Maybe")
    page.locator('select[name="mark"]').select_option("maybe")
    expect(page.locator(".row")).to_have_count(1)
    page.locator('select[name="mark"]').select_option("unseen")
    expect(page.locator(f'.row[data-key="{wanted}"]')).to_have_count(0)
    page.locator('select[name="mark"]').select_option("")
    page.locator('select[name="order"]').select_option("category")
    expect(page.locator(".group").first).to_be_visible()


def test_a_tab_alone_is_never_told_of_a_change_elsewhere(page: Page, desk: DeskServer, root: Path) -> None:
    enter(page, desk)
    said: list[str] = []
    page.expose_function("heard", lambda text: said.append(text))
    page.evaluate(
        "new MutationObserver(() => heard(document.querySelector('#said').textContent)).observe(document.querySelector('#said'), { childList: true })"
    )
    picked, wanted = keys(root)[0], row(page, " ")
    page.locator(f'.row[data-key="{wanted}"]').focus()
    page.keyboard.press("x")
    page.locator(f'.pick[data-key="{picked}"]').focus()
    page.keyboard.press("e")
    page.keyboard.type(" More of it")
    page.keyboard.press("Escape")
    until(lambda: "More of it" in pick(root, picked).blurb)
    page.locator(f'.row[data-key="{wanted}"]').focus()
    page.keyboard.press("x")
    page.wait_for_timeout(6000)
    assert not [text for text in said if "outside" in text]
    assert sheet(root).title
