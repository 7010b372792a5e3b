"""A draft is also one for Jekyll: real Jekyll builds it, and readers of the preview see the texts as they are."""

from __future__ import annotations

import html
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from digest.drafts.model import Draft, DraftCandidate, DraftPick, DraftSection
from digest.drafts.writer import render_draft
from digest.resources import find_resource
from digest.text import normalise_line
from tests.drafts.drafts import NASTY, example


def hostile() -> Draft:
    """Every nasty string as a title, a blurb, a reason and facts."""
    lines = [normalise_line(text) for text in NASTY]
    picks = [
        DraftPick(f"url:https://x.org/--{n}{{{{", line, "https://x.org/", line, line, engine="abstract")
        for n, line in enumerate(lines)
    ]
    waiting = [
        DraftCandidate(f"arxiv:{n}", line, "https://x.org/", line, reasons=(line,)) for n, line in enumerate(lines)
    ]
    return replace(
        example(), sections=(DraftSection("3d", "3D & {more}", entries=tuple(picks)),), shortlist=tuple(waiting)
    )


def built(jekyll: str, folder: Path, sheet: Draft) -> BeautifulSoup:
    """The page that Jekyll makes of the draft with the shipped site."""
    shutil.copytree(find_resource("site"), folder / "site", ignore=shutil.ignore_patterns("_site", "_drafts", "_posts"))
    site = folder / "site"
    (site / "_drafts").mkdir()
    (site / "_drafts" / "2026-10.md").write_text(render_draft(sheet), encoding="utf-8")
    command = [jekyll, "build", "--strict_front_matter", "--drafts", "-q", "-s", str(site), "-d", str(folder / "out")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    (page,) = (path for path in (folder / "out").rglob("*.html") if "2026-10" in str(path))
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.jekyll
def test_hostile_texts_are_seen_in_the_preview_as_they_are(jekyll: str, tmp_path: Path) -> None:
    page = built(jekyll, tmp_path, hostile())
    texts = [normalise_line(text) for text in NASTY]
    assert [normalise_line(h.get_text()) for h in page.select("h3")] == texts
    assert [normalise_line(s.get_text()) for s in page.select("small")] == texts
    quoted = [normalise_line(p.get_text()) for p in page.select("p") if p.get_text().startswith("From the abstract:")]
    assert quoted == [f"From the abstract: {text}" for text in texts]
    lines = [normalise_line(li.get_text()) for li in page.select("h2[id='digest:shortlist'] ~ ul li")]
    assert [text for text in texts if not any(line.startswith(text) and line.endswith(text) for line in lines)] == []


@pytest.mark.jekyll
def test_the_draft_shows_sections_links_and_boxes_but_no_mark(jekyll: str, tmp_path: Path) -> None:
    page = built(jekyll, tmp_path, example())
    assert [h["id"] for h in page.select(".body h2")] == ["models", "agents", "digest:shortlist"]
    assert page.select_one("h3 a[href='https://lab.example/launch']")
    assert len(page.select("li input[type=checkbox]")) == 2
    assert "key=" not in page.get_text()
    assert html.unescape(page.title.get_text() if page.title else "").startswith('AI research digest: October "2026"')
