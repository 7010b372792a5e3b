"""axe-core, as the package `axe-playwright-python` carries it, run in a page."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Page

_RUN = """() => axe.run(document, {iframes: false, resultTypes: ['violations']}).then(told => told.violations
  .flatMap(rule => rule.nodes.map(node => `${rule.id} (${rule.impact}): ${node.html.slice(0, 120)}`)))"""


def script() -> str:
    """The rules' source; skips where the package is missing, fails under CI."""
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        reason = "axe-playwright-python is not installed (pip install '.[dev]')"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, source: str) -> list[str]:
    """Everything axe-core has against the page as it stands, each with the element; frames are pages of their own.

    The page must have been opened with its security policy bypassed.
    """
    page.evaluate(source)
    found: list[str] = page.evaluate(_RUN)
    return found
