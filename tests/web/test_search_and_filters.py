"""What is known of a work stands beside it: who named it and in which words, issues that had it, possible twins."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from digest.db.items import load_items_by_key
from digest.db.merges import load_merged_keys
from digest.drafts.model import AddedUrl, Draft
from digest.drafts.workflow import STATES
from digest.web.server import DeskServer
from tests.web import workspace
from tests.web.test_editing_session import enter, pick, saved, sheet
from tests.web.workspace import BEFORE, LISTED, PERIOD, sheet_file, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def told(root: Path, desk: DeskServer) -> tuple[str, str]:
    """The keys of a pick and of a candidate with a past."""
    return workspace.storied(root)


def added(root: Path) -> list[AddedUrl]:
    return [entry for _, entry in sheet(root).iter_added_urls()]


def drafted_again(root: Path) -> Draft:
    with workspace.opened(root) as opened:
        opened.rank(PERIOD)
        opened.draft(PERIOD)
    return sheet(root)


def test_the_shortlist_quotes_what_lists_and_earlier_issues_said(
    page: Page, desk: DeskServer, told: tuple[str, str]
) -> None:
    enter(page, desk)
    row = page.locator(f'.row[data-key="{told[1]}"]')
    expect(row).to_contain_text("already covered in 2026-06")
    expect(row).to_contain_text("3 mentions")
    row.focus()
    said = page.locator("#read").get_by_label("Mentioned by").locator("li")
    assert said.all_inner_texts()[0].split("\n") == ["an issue of yours, 2026-06", BEFORE]
    expect(said.filter(has_text="Hugging Face daily papers").locator("blockquote")).to_have_text(LISTED)
    assert [text for text in said.all_inner_texts() if "by hand" in text] == ["added by hand, 2026-10-09"]


def test_the_sheet_names_mentions_earlier_issues_and_twins_and_a_hand_does_not_lose_them(
    root: Path, told: tuple[str, str]
) -> None:
    line = next(line for line in drafted_again(root).shortlist if line.key == told[1])
    assert (line.mentions, line.covered) == (3, "2026-06")
    assert line.possible_duplicate.startswith("url:https://lab.example/works/")
    assert "(digest items merge " in line.possible_duplicate
    text = sheet_file(root).read_text(encoding="utf-8")
    assert "3 mentions — already covered in 2026-06 — may be the same as url:" in text
    sheet_file(root).write_text(text.replace("## Shortlist", "Mine.\n\n## Shortlist", 1), encoding="utf-8")
    assert next(line for line in drafted_again(root).shortlist if line.key == told[1]) == line
    assert pick(root, told[0]).possible_duplicate.startswith("url:https://lab.example/works/")


def test_a_twin_is_joined_at_the_desk_and_no_word_is_lost(
    page: Page, desk: DeskServer, root: Path, told: tuple[str, str]
) -> None:
    enter(page, desk)
    twin = page.locator(f'.pick[data-key="{told[0]}"]', has_text="Possible duplicate of")
    twin.get_by_role("button", name="Merge them").click()
    saved(page)
    with desk.context.db.read() as session:
        joined = load_merged_keys(session)
        assert load_items_by_key(session, list(joined))
    ((_, (stays, _)),) = joined.items()
    until(lambda: any(p.key == stays for _, p in sheet(root).iter_picks()))
    assert pick(root, stays).blurb == "It gains 987 points."
    assert told[0] not in sheet_file(root).read_text(encoding="utf-8")


def test_a_twin_that_is_another_work_is_never_asked_about_again(
    page: Page, desk: DeskServer, root: Path, told: tuple[str, str]
) -> None:
    enter(page, desk)
    row = page.locator(f'.row[data-key="{told[1]}"]')
    row.focus()
    page.locator("#read").get_by_role("button", name="They differ").click()
    expect(row).not_to_contain_text("Possible duplicate")
    expect(page.locator("#read")).not_to_contain_text("Possible duplicate")
    assert next(line for line in drafted_again(root).shortlist if line.key == told[1]).possible_duplicate == ""
    assert pick(root, told[0]).possible_duplicate  # of that pair nothing was said


def test_an_address_and_an_empty_section_are_taken_out_again(
    page: Page, desk: DeskServer, root: Path, told: tuple[str, str]
) -> None:
    enter(page, desk)
    expect(page.locator(".added")).to_contain_text("My words.")
    page.get_by_role("button", name="Remove https://own.example/work").click()
    until(lambda: not added(root))

    page.get_by_label("Title of a section to add").fill("Letters")
    page.get_by_label("Title of a section to add").press("Enter")
    until(lambda: sheet(root).sections[-1].title == "Letters")
    page.get_by_role("button", name="Remove the section Letters").click()
    until(lambda: all(section.title != "Letters" for section in sheet(root).sections))


def test_a_link_is_mended_at_the_desk_and_the_works_own_comes_back_when_asked_for(
    page: Page, desk: DeskServer, root: Path, told: tuple[str, str]
) -> None:
    enter(page, desk)
    here = page.locator(f'.pick[data-key="{told[0]}"]')
    expect(here).to_contain_text("Your link. The work's own is https://lab.example/works/")
    here.get_by_role("button", name="Restore it").click()
    until(lambda: pick(root, told[0]).url.startswith("https://lab.example/works/"))
    here.get_by_role("button", name="Link", exact=True).click()
    here.get_by_label("Link").fill("https://other.example/1")
    page.keyboard.press("Enter")
    until(lambda: pick(root, told[0]).url == "https://other.example/1")
    page.click("#tab-post")
    expect(page.frame_locator("#post iframe").locator('a[href="https://other.example/1"]').first).to_be_visible()


def test_flagged_words_are_marked_and_signed_with_a_name(page: Page, desk: DeskServer, told: tuple[str, str]) -> None:
    enter(page, desk)
    here = page.locator(f'.pick[data-key="{told[0]}"]')
    expect(here.locator("mark")).to_have_text("987")
    expect(here.locator(".whose")).to_contain_text("Written by gemini-x")
    page.click("#tab-gates")
    expect(page.locator(".problems")).to_contain_text("not in the source: “987”")
    expect(page.get_by_label("I, Eva Editor, take responsibility for the flagged text")).to_be_visible()
    page.locator(".problems li", has_text="987").get_by_role("button", name="Go to it").click()
    assert page.evaluate("document.activeElement.dataset.key") == told[0]


def test_links_are_asked_from_the_desk_and_silence_is_told(page: Page, desk: DeskServer, told: tuple[str, str]) -> None:
    enter(page, desk)
    page.click("#tab-gates")
    page.get_by_role("button", name="Check the links now").click()
    expect(page.locator("#said")).to_contain_text("links not checked: offline")
    assert STATES[0] == page.locator("#state").inner_text()
