"""How long it takes to render and to build a site of 12, 120 and 360 issues of 20 picks each."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from digest import render, site
from digest.ports import Document, IssueView, SectionView
from tests.render.samples import NEWSLETTER, SITE, TAXONOMY, issue, pick
from tests.site.test_jekyll import OURS, SKELETON

T = TypeVar("T")


def issues(count: int) -> list[IssueView]:
    """Monthly issues from January 1996 on."""
    blurb = "We present an engine that computes, and measure it on four tasks it was not made for. " * 3
    sections = [
        SectionView(slug, slug.title(), slug, picks=[pick(n, category=slug, blurb=blurb) for n in range(at, at + 10)])
        for at, slug in ((0, "models"), (10, "rag"))
    ]
    return [issue(f"{1996 + n // 12}-{n % 12 + 1:02d}", sections=sections) for n in range(count)]


def measure(counts: tuple[int, ...] = (12, 120, 360)) -> list[dict[str, float | int]]:
    """Rows: issues, seconds of each step, and the built site's megabytes."""
    return [_row(count) for count in counts]


def _row(count: int) -> dict[str, float | int]:
    views = issues(count)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "site"
        shutil.copytree(SKELETON, root, ignore=OURS)
        posts, t_posts = _timed(lambda: [render.pages(view, NEWSLETTER)[0] for view in views])
        feeds, t_feeds = _timed(lambda: render.feeds(views, NEWSLETTER, SITE, TAXONOMY))
        files, t_files = _timed(lambda: render.site_files(views, NEWSLETTER, SITE, TAXONOMY))
        _, t_write = _timed(lambda: site.write(root, [*posts, *feeds, *files]))
        have = site.names(root, "assets/cards")
        again, t_again = _timed(lambda: _everything(views, have))
        unchanged, t_same = _timed(lambda: site.write(root, again))
        _, t_jekyll = _timed(lambda: _build(root))
        size = sum(file.stat().st_size for file in (root / "_site").rglob("*") if file.is_file())
    assert unchanged == []
    return {
        "issues": count,
        "posts": t_posts,
        "feeds": t_feeds,
        "cards and data": t_files,
        "first write": t_write,
        "everything again": t_again + t_same,
        "jekyll": t_jekyll,
        "MB": size / 1e6,
    }


def _everything(views: list[IssueView], have: list[str]) -> list[Document]:
    return [
        *[render.pages(view, NEWSLETTER)[0] for view in views],
        *render.feeds(views, NEWSLETTER, SITE, TAXONOMY),
        *render.site_files(views, NEWSLETTER, SITE, TAXONOMY, have),
    ]


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _build(root: Path) -> None:
    if shutil.which("jekyll"):
        subprocess.run(["jekyll", "build", "-q", "-s", root, "-d", root / "_site"], check=True)


def main() -> int:
    for row in measure():
        print("; ".join(f"{name} {value:.2f}" for name, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
