"""The editor's hour in a real browser: from the shortlist to the approval, and what others do to it meanwhile."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from digest.db.issues import get_issue, load_decisions, load_draft_versions, load_picks
from digest.drafts.model import Draft, DraftPick
from digest.drafts.parser import parse_draft
from digest.drafts.writer import render_draft
from digest.web.server import DeskServer
from tests.web.workspace import PERIOD, process, sheet_file, stop, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def sheet(root: Path) -> Draft:
    return parse_draft(sheet_file(root).read_text(encoding="utf-8"))


def keys(root: Path) -> list[str]:
    return [pick.key for _, pick in sheet(root).iter_picks()]


def pick(root: Path, key: str) -> DraftPick:
    return next(pick for _, pick in sheet(root).iter_picks() if pick.key == key)


def enter(page: Page, desk: DeskServer) -> None:
    page.goto(desk.url)
    page.wait_for_url(f"**/{PERIOD}")
    page.wait_for_selector(".row")


def row(page: Page, mark: str) -> str:
    """The first key on the shortlist with a mark."""
    return page.locator(f'.row[data-mark="{mark}"]').first.get_attribute("data-key") or ""


def saved(page: Page) -> None:
    expect(page.locator("#said")).to_have_text(re.compile("^(Saved|Somebody)"))


def write(page: Page, key: str, words: str) -> None:
    """Edit a blurb by keys alone: focus the pick, e, new words, Escape."""
    page.locator(f'.pick[data-key="{key}"]').focus()
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type(words)
    page.keyboard.press("Escape")


def test_the_whole_hour_by_keys_alone(page: Page, desk: DeskServer, root: Path) -> None:
    enter(page, desk)
    proposed = keys(root)
    wanted, refused = row(page, " "), page.locator('.row[data-mark=" "]').nth(1).get_attribute("data-key") or ""

    page.locator(f'.row[data-key="{wanted}"]').focus()
    page.keyboard.press("x")
    until(lambda: wanted in keys(root))
    page.locator(f'.row[data-key="{refused}"]').focus()
    page.keyboard.press("r")
    until(lambda: any(line.key == refused and line.mark == "-" for line in sheet(root).shortlist))

    page.locator(f'.row[data-key="{wanted}"]').focus()
    page.keyboard.press("3")
    third = desk.context.config.taxonomy.categories[2].slug
    until(lambda: any(s.slug == third and p.key == wanted for s, p in sheet(root).iter_picks()))

    page.keyboard.press("l")
    first = page.evaluate("document.activeElement.dataset.key")
    assert first == proposed[0]
    write(page, first, "My *own* words.")
    until(lambda: pick(root, first).blurb == "My *own* words.")
    assert pick(root, first).origin == "editor"
    expect(page.locator(f'.pick[data-key="{first}"] .whose')).to_have_text("Your text")

    page.click("#tab-gates")
    expect(page.locator(".problems")).to_contain_text("there is no introduction")
    page.get_by_role("button", name="Approve the issue").click()
    expect(page.locator("#said")).to_contain_text("cannot be approved yet")
    assert page.locator("#state").inner_text() == "draft"

    page.get_by_label("Introduction").fill("What mattered in October.")
    until(lambda: sheet(root).intro == "What mattered in October.")
    for note in page.locator(".block:not(:has(.pick)) details.section-note").all():
        note.locator("summary").click()
        note.locator("textarea").fill("Nothing stood out here.")
    page.get_by_label("Closing words").focus()
    expect(page.locator(".problems")).to_have_attribute("data-count", "0")
    page.get_by_role("button", name="Approve the issue").click()
    expect(page.locator("#state")).to_have_text("approved")
    expect(page.get_by_label("Introduction")).to_be_disabled()

    with desk.context.db.read() as session:
        issue = get_issue(session, PERIOD)
        rows = {item.key: pick for pick, item in load_picks(session, issue.id)}
        verdicts = {d.verdict for d in load_decisions(session, period=PERIOD)}
    assert issue.state == "approved"
    assert issue.intro == "What mattered in October."
    assert rows[first].blurb == "My *own* words."
    assert rows[wanted].category == third
    assert refused not in rows
    assert {"pick", "reject", "rewrite"} <= verdicts

    page.get_by_role("button", name="Withdraw the approval").click()
    expect(page.locator("#state")).to_have_text("draft")


def test_two_tabs_on_different_works_lose_nothing(page: Page, desk: DeskServer, root: Path) -> None:
    other = page.context.new_page()
    enter(page, desk)
    enter(other, desk)
    one, two = keys(root)[:2]
    write(page, one, "From the first tab.")
    saved(page)
    write(other, two, "From the second tab.")
    saved(other)
    until(lambda: pick(root, two).blurb == "From the second tab.")
    assert pick(root, one).blurb == "From the first tab."
    expect(page.locator(f'.pick[data-key="{two}"] .blurb')).to_contain_text("From the second tab.", timeout=15_000)


def test_two_tabs_on_the_same_words_keep_both_and_let_the_editor_choose(
    page: Page, desk: DeskServer, root: Path
) -> None:
    other = page.context.new_page()
    enter(page, desk)
    enter(other, desk)
    key = keys(root)[0]
    field = f'.pick[data-key="{key}"] [data-action="blurb"]'
    for tab in (page, other):  # both open the blurb before either has written
        tab.locator(f'.pick[data-key="{key}"]').focus()
        tab.keyboard.press("e")
    page.fill(field, "The first tab's words.")
    saved(page)
    other.fill(field, "The second tab's words.")
    other.keyboard.press("Escape")
    until(lambda: pick(root, key).blurb == "The second tab's words.")
    assert [one.text for one in pick(root, key).conflicts] == ["The first tab's words."]

    conflict = other.locator(f'.pick[data-key="{key}"] .conflict')
    expect(conflict).to_contain_text("The first tab's words.")
    conflict.get_by_role("button", name="Take this").click()
    until(lambda: pick(root, key).blurb == "The first tab's words." and not pick(root, key).conflicts)


def test_proposed_verdicts_are_signed_and_struck_one_by_one(page: Page, desk: DeskServer, root: Path) -> None:
    one, two, three = keys(root)[:3]
    draft = sheet(root).map_picks(lambda p: replace(p, proposed_verdict=f"For readers of {p.key}."))
    sheet_file(root).write_text(render_draft(draft), encoding="utf-8")
    enter(page, desk)
    page.locator(f'.pick[data-key="{one}"]').focus()
    page.keyboard.press("y")
    until(lambda: pick(root, one).verdict == f"For readers of {one}.")
    page.locator(f'.pick[data-key="{two}"]').focus()
    page.keyboard.press("Y")
    until(lambda: pick(root, two).proposed_verdict == "")
    assert pick(root, two).verdict == ""
    page.locator(f'.pick[data-key="{three}"]').get_by_role("button", name="Sign").click()
    until(lambda: pick(root, three).verdict == f"For readers of {three}.")
    expect(page.locator("#said")).to_have_text("Verdict signed")
    page.locator(f'.pick[data-key="{three}"]').focus()
    page.keyboard.press("u")
    until(lambda: pick(root, three).proposed_verdict == f"For readers of {three}.")
    assert pick(root, three).verdict == ""
    expect(page.locator("#said")).to_have_text("Undone: verdict signed")
    page.locator(f'.pick[data-key="{two}"]').focus()
    page.keyboard.press("b")
    page.keyboard.type("For *all*.")
    page.keyboard.press("Enter")
    until(lambda: pick(root, two).verdict == "For *all*.")
    assert pick(root, one).verdict == f"For readers of {one}."


def origins(desk: DeskServer) -> list[str]:
    """Who made the versions that are kept, the newest last."""
    with desk.context.db.read() as session:
        return [version.origin for version in load_draft_versions(session, PERIOD)]


def test_the_file_edited_in_between_is_merged(page: Page, desk: DeskServer, root: Path) -> None:
    enter(page, desk)
    one, two = keys(root)[:2]
    page.locator(f'.pick[data-key="{one}"]').focus()
    page.keyboard.press("e")
    path = sheet_file(root)
    text = path.read_text(encoding="utf-8")
    blurb = pick(root, two).blurb
    text = text.replace('title: "', 'title: "Typed in vim: ', 1).replace(blurb, f"By hand: {blurb}", 1)
    path.write_text(text, encoding="utf-8")
    assert sheet(root).title.startswith("Typed in vim")
    page.keyboard.press("Control+a")
    page.keyboard.type("From the desk.")
    page.keyboard.press("Escape")
    until(lambda: pick(root, one).blurb == "From the desk.")
    assert sheet(root).title.startswith("Typed in vim")
    assert pick(root, two).blurb.startswith("By hand: ")
    expect(page.get_by_label("Title of the issue")).to_have_value(re.compile("^Typed in vim"))
    until(lambda: origins(desk)[-1] == "desk")  # the file is written first, and the version kept after it
    assert "editor" in origins(desk)


def test_a_file_that_cannot_be_read_names_its_line_and_is_left_alone(page: Page, desk: DeskServer, root: Path) -> None:
    enter(page, desk)
    path = sheet_file(root)
    broken = path.read_text(encoding="utf-8").replace("period:", "perriod:", 1)
    path.write_text(broken, encoding="utf-8")
    write(page, page.locator(".pick").first.get_attribute("data-key") or "", "These words stay on the page.")
    expect(page.locator("#said")).to_contain_text("line 5")
    assert path.read_text(encoding="utf-8") == broken


def test_killed_in_mid_edit_nothing_that_was_saved_is_lost_and_the_rest_comes_back(page: Page, root: Path) -> None:
    server, address = process(root)
    try:
        page.goto(address)
        page.wait_for_selector(".pick")
        one, two = keys(root)[:2]
        write(page, one, "Saved before the kill.")
        until(lambda: pick(root, one).blurb == "Saved before the kill.")
        page.locator(f'.pick[data-key="{two}"]').focus()
        page.keyboard.press("e")
        server.send_signal(signal.SIGKILL)
        server.wait()
        page.keyboard.press("Control+a")
        page.keyboard.type("Typed when nobody listened.")
        expect(page.locator("#said")).to_contain_text("does not respond")
        assert pick(root, one).blurb == "Saved before the kill."
    finally:
        stop(server)
    page.on("dialog", lambda dialog: dialog.accept())
    again, address = process(root, int(address.split(":")[2].split("/")[0]))
    try:
        page.goto(address)
        page.wait_for_selector(".pick")
        until(lambda: pick(root, two).blurb == "Typed when nobody listened.")
        assert pick(root, one).blurb == "Saved before the kill."
    finally:
        stop(again)


def test_other_words_can_be_asked_for_and_chosen(page: Page, desk: DeskServer, root: Path) -> None:
    enter(page, desk)
    key = keys(root)[0]
    quoted = pick(root, key).blurb
    here = page.locator(f'.pick[data-key="{key}"]')
    here.focus()
    page.keyboard.press("w")
    page.get_by_role("button", name="Use this version").first.click()
    until(lambda: pick(root, key).blurb != quoted)
    assert pick(root, key).origin == "source"
    here.locator(".versions li", has_text=quoted[:60]).get_by_role("button").click()
    until(lambda: pick(root, key).blurb == quoted)


def test_picks_are_put_in_order_by_dragging_and_by_keys(page: Page, desk: DeskServer, root: Path) -> None:
    enter(page, desk)
    section = next(s for s in sheet(root).sections if len(s.picks) > 1)
    first, second = (pick.key for pick in section.picks[:2])

    def order() -> list[str]:
        return [p.key for s, p in sheet(root).iter_picks() if s.slug == section.slug][:2]

    page.locator(f'.pick[data-key="{first}"]').focus()
    page.keyboard.press("J")
    until(lambda: order() == [second, first])
    drawn = page.locator(f'.block[data-section="{section.slug}"] .pick').first
    expect(drawn).to_have_attribute("data-key", second)
    page.drag_and_drop(f'.pick[data-key="{first}"] .whose', f'.pick[data-key="{second}"] .whose')
    until(lambda: order() == [first, second])


def test_the_shortlist_is_narrowed_by_words_category_and_mark(page: Page, desk: DeskServer) -> None:
    enter(page, desk)
    page.keyboard.press("/")
    page.keyboard.type("jailbreaks part 4")
    expect(page.locator(".count")).to_have_text(re.compile("^[0-9]+ works?$"))
    expect(page.locator(".row h3").first).to_contain_text("Red teaming")
    expect(page.locator(".row", has_text="Quantisation")).to_have_count(0)
    page.fill("#search", "nowherewords")
    expect(page.locator(".rows")).to_contain_text("Nothing here")
    page.fill("#search", "")
    page.locator('select[name="mark"]').select_option("picked")
    expect(page.locator('.row[data-mark=" "]')).to_have_count(0)
    expect(page.locator('.row[data-mark="x"]').first).to_be_visible()


def test_a_number_that_the_source_does_not_hold_is_marked_in_your_own_words(
    page: Page, desk: DeskServer, root: Path
) -> None:
    enter(page, desk)
    key = keys(root)[0]
    write(page, key, "It runs on one machine and gains 987 points.")
    expect(page.locator(f'.pick[data-key="{key}"] mark')).to_have_text(re.compile("^987"))
    expect(page.locator(f'.pick[data-key="{key}"] .by-editor').first).to_contain_text("It runs")
