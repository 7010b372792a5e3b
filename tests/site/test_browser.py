"""The built site in a real browser: search works, nothing overflows, nothing is asked of any other machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.browsing import browser
from tests.publishing.samples import NEWSLETTER
from tests.publishing.test_review_post import recap
from tests.site.serving import served
from tests.site.test_jekyll import build, year

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.jekyll]
PAGES = ["/", "/2025/06/digest/", "/2025/review/", "/archive/", "/category/models/", "/search/?q=number", "/about/"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    newsletter = NEWSLETTER.model_copy(update={"base_path": ""})
    built = build(tmp_path_factory.mktemp("browsed") / "site", [*year()[:-1], recap("both")], newsletter)
    with served(built.root) as here:
        yield here


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 375, "height": 800})
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


def test_no_page_overflows_asks_elsewhere_or_complains(page: Page, address: str) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in PAGES:
        page.goto(address + path, wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert [url for url in asked if not url.startswith(address)] == []
    assert said == []


def test_search_finds_by_every_word_and_says_when_there_is_nothing(page: Page, address: str) -> None:
    page.goto(f"{address}/search/")
    page.fill("#q", "number 3 retrieval")
    page.wait_for_selector("#results li")
    assert set(page.locator("#results a").all_inner_texts()) == {"Work number 3"}
    assert page.locator("#results a").first.get_attribute("href") == "/2025/12/digest/#arxiv-2506-00003"
    page.fill("#q", "nowhere")
    page.wait_for_function("document.querySelector('#found').textContent === 'Nothing found'")


@pytest.mark.parametrize(("scheme", "bright"), [("light", True), ("dark", False)])
def test_the_page_follows_the_readers_colour_scheme(page: Page, address: str, scheme: str, bright: bool) -> None:
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    page.goto(f"{address}/2025/06/digest/")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(colour) > 380) == bright


def test_the_contents_stay_in_sight_beside_the_text_on_a_wide_screen(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}/2025/06/digest/")
    page.evaluate("document.documentElement.style.scrollBehavior = 'auto'; scrollTo(0, 500)")
    contents, text = page.locator(".contents").bounding_box(), page.locator("h2.section").first.bounding_box()
    assert contents
    assert text
    assert contents["x"] + contents["width"] < text["x"]
    assert 0 <= contents["y"] < 400


def test_what_is_printed_has_no_navigation_but_the_addresses(page: Page, address: str) -> None:
    page.emulate_media(media="print")
    page.goto(f"{address}/2025/06/digest/")
    assert not page.locator(".masthead nav").is_visible()
    assert "arxiv.org" in page.evaluate("getComputedStyle(document.querySelector('h3 a'), '::after').content")


@pytest.mark.parametrize(
    ("media", "scheme", "bar"),
    [
        ("screen", "light", "rgb(150, 57, 31)"),
        ("screen", "dark", "rgb(235, 148, 116)"),
        ("print", "dark", "rgb(150, 57, 31)"),
    ],
)
def test_charts_have_the_colours_of_the_page_and_of_paper(
    page: Page, address: str, media: Literal["screen", "print"], scheme: Literal["light", "dark"], bar: str
) -> None:
    page.emulate_media(media=media, color_scheme=scheme)
    page.goto(f"{address}/2025/review/")
    style = "name => getComputedStyle(document.querySelector(name))"
    assert page.evaluate(f"({style})('.chart .s1').fill") == bar
    assert page.evaluate(f"({style})('.chart .l1').stroke") == bar
    assert page.evaluate(f"({style})('.chart .l1').fill") == "none"
    assert page.evaluate(f"({style})('.chart').breakInside") == ("avoid" if media == "print" else "auto")


def test_a_phone_shows_the_contents_on_the_first_screen_and_the_whole_search_field(page: Page, address: str) -> None:
    page.goto(f"{address}/2025/06/digest/")
    contents = page.locator(".contents").bounding_box()
    assert contents
    assert contents["y"] + contents["height"] < 800
    # Inline: three sections need fewer lines than items.
    assert contents["height"] < 3 * 24
    page.goto(f"{address}/search/")
    assert page.locator("#q").get_attribute("placeholder") is None
    assert page.evaluate("(e => e.scrollWidth <= e.clientWidth)(document.querySelector('#q'))")


def test_the_footer_of_a_short_page_is_at_the_bottom_of_the_window(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 2400})
    page.goto(f"{address}/about/")
    foot = page.locator(".foot").bounding_box()
    assert foot
    assert foot["y"] + foot["height"] == 2400


def test_section_labels_and_titles_of_works_differ_in_size_and_face(page: Page, address: str) -> None:
    page.goto(f"{address}/2025/06/digest/")
    style = "name => { const s = getComputedStyle(document.querySelector(name)); return [s.fontFamily, s.fontSize] }"
    label, title = (page.evaluate(f"({style})('{name}')") for name in ("h2.section", ".body h3"))
    assert label[0] != title[0]
    assert float(title[1].removesuffix("px")) > 1.3 * float(label[1].removesuffix("px"))
    assert page.locator(".meta a").first.inner_text() == "PDF"


def test_compact_density_needs_less_height_for_the_same_words(page: Page, address: str) -> None:
    page.goto(f"{address}/2025/06/digest/")
    measure = "[document.querySelector('.body').offsetHeight, document.querySelector('.body').innerText]"
    height, text = page.evaluate(measure)
    page.evaluate("document.documentElement.classList.replace('comfortable', 'compact')")
    compact_height, compact_text = page.evaluate(measure)
    assert compact_height < 0.9 * height
    assert compact_text == text


def test_each_work_has_a_button_that_copies_the_address_of_its_place(page: Page, address: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{address}/2025/06/digest/")
    assert page.locator(".copy").count() == 3
    page.locator(".copy").first.click()
    page.wait_for_function("document.querySelector('.copy').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == f"{address}/2025/06/digest/#arxiv-2506-00001"
