"""`python -m tests.pictures` takes the README's pictures anew, from the demo: the desk, a post, the year in figures."""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from digest.app import Workspace
from digest.db.issues import get_issue
from digest.demo import run_demo
from digest.protocols import NullProgress
from digest.publishing.jekyll import build_site
from digest.web.server import DeskServer, serve_desk

PLACE = Path(__file__).resolve().parents[1] / "docs" / "images"
MONTH, FETCHED = "2025-12", datetime(2026, 1, 5, 6, tzinfo=UTC)
WIDE = ViewportSize(width=1280, height=1000)


def main(target: Path = PLACE) -> None:
    """Play the demo, build its site, and look at it."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder) / "demo"
        run_demo(root, NullProgress())
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        with _served(build_site(root / "site")) as site:
            _take(browser, f"{site}/2025/10/digest/", target / "post.png")
            _take(browser, f"{site}/2025/review/", target / "review.png", dark=True, at="#numbers")
        with _desk(root) as address:
            _take(browser, address, target / "desk.png")
        browser.close()


def _take(browser: Browser, address: str, target: Path, *, dark: bool = False, at: str = "") -> None:
    page = browser.new_page(viewport=WIDE, color_scheme="dark" if dark else "light")
    page.goto(address, wait_until="networkidle")
    page.wait_for_timeout(300)
    if at:
        top = page.evaluate("at => document.querySelector(at).getBoundingClientRect().top + scrollY", at)
        page.evaluate("top => scrollTo({top: top - 44, behavior: 'instant'})", top)
    page.screenshot(path=target)
    page.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, form: str, *facts: object) -> None:
        """Say nothing."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@contextmanager
def _desk(root: Path) -> Iterator[str]:
    """The desk on a month that waits for its editor, on the day on which the demo fetched."""
    with Workspace(root, clock=lambda: FETCHED) as workspace:
        with workspace.db.write() as session:
            issue = get_issue(session, MONTH)
            issue.state, issue.published = "draft", None
        desk = DeskServer(workspace.context, MONTH)
        threading.Thread(target=serve_desk, args=(desk,), daemon=True).start()
        yield desk.url


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PLACE)
