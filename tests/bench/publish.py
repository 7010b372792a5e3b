"""Publishing, and rendering the whole site, with so many issues of twenty picks; beside Jekyll without our theme.

`publish` is one more issue where the others stand; `render the site` writes every file of all of them into an empty
folder; `build the site` is Jekyll's time on that, and its peer Jekyll's time on the same texts with no layout at all.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.app import Workspace
from digest.models.issues import Issue, Pick
from digest.models.items import Item
from digest.periods import Period
from digest.publishing.jekyll import build_site
from tests.bench.probe import Watch, timed, told
from tests.ops.workspace import made

PICKS = 20
BLURB = "We present an engine that computes, and measure it on four tasks it was not made for. " * 3
NOW = datetime(2026, 2, 4, 9, tzinfo=UTC)


def filled(folder: Path, count: int) -> str:
    """A workspace with so many monthly issues, all published but the last, which is approved; returns its period."""
    made(folder)
    with Workspace(folder, clock=lambda: NOW) as workspace, workspace.db.write() as session:
        slugs = [category.slug for category in workspace.config.taxonomy.categories][:4]
        months = [(2016 + n // 12, n % 12 + 1) for n in range(count)]
        for number, month in enumerate(months):
            period, at = Period(month, month).name, datetime(*month, 5, 9, tzinfo=UTC) + timedelta(days=30)
            last = number == count - 1
            issue = Issue(
                period=period, title=f"Small: {period}", atom_id=f"tag:small.example,2016:{period}", intro="A month.",
                sections=[{"slug": slug, "title": slug.title()} for slug in slugs], created=at, approved=at,
                state="approved" if last else "published", published=None if last else at, updated=None if last else at,
            )  # fmt: skip
            session.add(issue)
            items = [_item(period, at, n) for n in range(PICKS)]
            session.add_all(items)
            session.flush()
            session.add_all(
                Pick(
                    issue_id=issue.id,
                    item_id=item.id,
                    category=slugs[n % 4],
                    position=n,
                    blurb=BLURB,
                    origin="editor",
                )
                for n, item in enumerate(items)
            )
    return period


def _item(period: str, at: datetime, number: int) -> Item:
    url = f"https://papers.example/{period}/{number}"
    authors = ["Ada Lovelace", "Charles Babbage", "Mary Somerville"]
    return Item(
        key=f"url:{url}",
        url=url,
        title=f"Work {number} of {period}",
        authors=authors,
        source_id="blog",
        published=at - timedelta(days=31),
        first_seen=at,
    )


def _digest(folder: Path, count: int) -> None:
    watch, period = Watch(), filled(folder, count)
    with Workspace(folder, clock=lambda: NOW) as workspace:
        told("render the site", timed(lambda: workspace.publish(period)), watch)
        for path in (folder / "site" / "_posts").glob(f"*{period}*"):
            path.unlink()
        told("publish", timed(lambda: workspace.publish(period)), watch)
    told("build the site", timed(lambda: build_site(folder / "site")), watch)


def _jekyll(folder: Path, count: int) -> None:
    """The posts' texts, their front matter cut to the title."""
    watch, period = Watch(), filled(folder / "w", count)
    with Workspace(folder / "w", clock=lambda: NOW) as workspace:
        workspace.publish(period)
    posts = folder / "bare" / "_posts"
    posts.mkdir(parents=True)
    (folder / "bare" / "_config.yml").write_text("title: Bare\nmarkdown: kramdown\n", encoding="utf-8")
    for post in (folder / "w" / "site" / "_posts").iterdir():
        text = post.read_text(encoding="utf-8").split("\n---\n", 1)[1]
        (posts / post.name).write_text(f"---\ntitle: A month\n---\n{text}", encoding="utf-8")
    told("build the site", timed(lambda: build_site(folder / "bare")), watch)


def main(contender: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        {"digest": _digest, "jekyll": _jekyll}[contender](Path(folder), count)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
