"""The desk can be read and used by everybody: names, focus, contrast, widths, no code from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from digest.web.server import DeskServer
from tests.web.axe import script, violations
from tests.web.test_editing_session import enter
from tests.web.workspace import storied

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# The accessible name as far as these pages need it: aria-label, aria-labelledby, label, text.
_NAMELESS = """() => [...document.querySelectorAll('button, input, select, textarea, a[href], iframe, [role]')]
  .filter(e => e.checkVisibility() && !['presentation', 'status'].includes(e.getAttribute('role')))
  .filter(e => !(e.getAttribute('aria-label') || e.title || e.innerText?.trim()
    || document.getElementById(e.getAttribute('aria-labelledby'))?.textContent.trim()
    || [...(e.labels || [])].some(l => l.textContent.trim())))
  .map(e => e.outerHTML.slice(0, 90))"""

# WCAG 1.4.3: https://www.w3.org/TR/WCAG22/#contrast-minimum
_PALE = """() => {
  const rgb = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const linear = v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const behind = e => {
    for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
    return [255, 255, 255];
  };
  const pale = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.matches('option, :disabled, :disabled *')) continue;
    const style = getComputedStyle(e), [a, b] = [light(rgb(style.color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) pale.push(`${ratio.toFixed(2)} ${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 30)}`);
  }
  return pale;
}"""

# Of works that look alike a few are enough, with everything unfolded.
_FEW = """() => {
  document.querySelectorAll('.row:nth-child(n+4), .pick:nth-child(n+2)').forEach(one => one.remove());
  document.querySelectorAll('details').forEach(one => { one.open = true; });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 900, 1280])
def test_everything_has_a_name_and_can_be_read(page: Page, desk: DeskServer, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    enter(page, desk)
    for pane in ("shortlist", "issue", "preview"):
        if width < 1088:
            page.click(f'[data-show="{pane}"]')
        assert page.evaluate(_NAMELESS) == []
        assert page.evaluate(_PALE) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click("#tab-gates")
    page.wait_for_selector(".problems")
    assert page.evaluate(_NAMELESS) == []
    assert page.evaluate(_PALE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1280])
def test_axe_core_finds_nothing_in_any_column_tab_or_dialog(
    browser: Browser, desk: DeskServer, root: Path, scheme: str, width: int
) -> None:
    source = script()
    storied(root)
    with browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True) as context:
        page = context.new_page()
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        enter(page, desk)
        page.evaluate(_FEW)
        page.locator(".row").first.focus()
        assert violations(page, source) == []
        for pane in ("shortlist", "issue", "preview") if width < 1088 else ():
            page.click(f'[data-show="{pane}"]')
            assert violations(page, source) == []
        page.click("#tab-gates")
        page.wait_for_selector(".problems")
        assert violations(page, source) == []
        page.locator(".tabs").click()
        page.keyboard.press("?")
        assert violations(page, source) == []


@pytest.mark.parametrize("path", ["/", "/enter?token=none"])
def test_a_refused_visit_is_a_page_that_can_be_read(browser: Browser, desk: DeskServer, path: str) -> None:
    source = script()
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.goto(f"{desk.url.split('/enter')[0]}{path}")
        assert "open the address that `digest desk` printed" in page.inner_text("main")
        assert violations(page, source) == []


def test_every_key_of_the_list_is_said_and_focus_stays_in_sight(page: Page, desk: DeskServer) -> None:
    enter(page, desk)
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    for _ in range(12):
        page.keyboard.press("j")
    box = page.locator(":focus").bounding_box()
    assert box
    assert 0 <= box["y"] < 900
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_nothing_is_asked_of_another_machine_and_nothing_breaks_the_policy(page: Page, desk: DeskServer) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    enter(page, desk)
    for tab in ("#tab-mail", "#tab-gates", "#tab-post"):
        page.click(tab)
        page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith(f"http://127.0.0.1:{desk.port}/")] == []
    assert said == []
