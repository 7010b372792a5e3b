"""The preview shows the mail as it will be sent, and nothing in it can act."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect

from digest.publishing.render.templates import load_template_source
from digest.web.server import DeskServer
from tests.web.test_editing_session import enter
from tests.web.workspace import PERIOD

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_MAIL = 'iframe[title="The issue as a mail"]'
_HOSTILE = (
    "<script>parent.document.title = 'taken'</script><img src='x' onerror=\"parent.document.title = 'taken'\">"
    "<form action='/enter'><input name=token></form><img src='http://127.0.0.1:9/pixel.png'>"
)


@pytest.mark.parametrize("width", [375, 1280])
def test_the_mail_is_shown_in_its_own_style_with_a_switch_to_its_plain_text(
    page: Page, desk: DeskServer, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    enter(page, desk)
    if width < 1088:
        page.click('[data-show="preview"]')
    page.click("#tab-mail")
    mail = page.frame_locator(_MAIL)
    expect(mail.locator("h1")).to_have_css("font-weight", "700")
    assert mail.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(251, 249, 245)"
    assert mail.locator("html").evaluate("root => root.scrollWidth <= root.clientWidth")
    page.click("#tab-text")
    plain = page.frame_locator('iframe[title="The mail\'s plain text"]').locator("pre")
    expect(plain).to_contain_text("unsubscribe")
    assert said == []


def test_no_script_form_or_foreign_picture_works_in_the_mail(page: Page, desk: DeskServer, root: Path) -> None:
    template = root / "templates" / "email" / "issue.html.j2"  # the worst that could ever come through the rendering
    template.parent.mkdir(parents=True, exist_ok=True)
    shipped = load_template_source("email/issue.html.j2", {}) or ""
    template.write_text(shipped.replace("</body>", f"{_HOSTILE}</body>", 1), encoding="utf-8")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    enter(page, desk)
    title = page.title()
    page.click("#tab-mail")
    mail = page.frame_locator(_MAIL)
    expect(mail.locator("h1")).to_be_visible()
    mail.locator("form").evaluate("form => form.requestSubmit()")
    page.wait_for_load_state("networkidle")
    assert page.title() == title
    assert mail.locator("script").count() == 1  # it stood there and was refused
    for refused in ("script", "form submission", "pixel.png"):
        assert any(refused in line for line in said)
    expect(mail.locator("h1")).to_be_visible()


def test_the_mail_alone_has_a_policy_of_its_own(desk: DeskServer) -> None:
    with httpx2.Client(base_url=f"http://127.0.0.1:{desk.port}", timeout=30) as client:
        client.get(desk.url)
        found = {name: client.get(f"/{PERIOD}/preview/{name}").headers for name in ("post", "mail", "text")}
    assert "sandbox" in found["mail"]["content-security-policy"]
    assert "script-src" not in found["mail"]["content-security-policy"]
    assert all("unsafe" not in found[name]["content-security-policy"] for name in ("post", "text"))
    assert {headers["x-frame-options"] for headers in found.values()} == {"SAMEORIGIN"}
