"""`import`: past issues read back from feeds, Jekyll posts, Markdown or HTML; their items and words become memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from digest.config import Source
from digest.errors import ConfigError, NotFoundError, ParseError
from digest.fetch.worker import Workers
from digest.issues.archive import Harvest, Headings, ImportedItem, Post, harvest, read_post
from digest.models import Decision
from digest.pipeline.context import Context, recorded
from digest.pipeline.intake import take_found
from digest.pipeline.posts import harvested, posts_in
from digest.pipeline.waiting import wait_for
from digest.ports import Found, Report, Request
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import settings
from digest.tagging import resolve
from digest.urls import work_key

SOURCE = Source(id="archive", kind="feed", url="https://example.org/", name="past issues", quote="past issue")
_NAME = "import:headings"
_READING = 120.0  # seconds; an archive holds the posts of years
_POSTS = (".md", ".markdown", ".html", ".htm", ".xhtml")


def read_archive(
    context: Context, places: Sequence[str], said: Mapping[str, str], *, essays: bool = False
) -> list[Harvest]:
    """What the posts at those addresses, files or folders hold; nothing is stored but the headings that were mapped."""
    taxonomy = context.config.taxonomy
    known = {heading: resolve(taxonomy, slug) for heading, slug in said.items()}
    with context.db.write() as session:
        remembered = settings.read(session, _NAME) | known
        settings.write(session, _NAME, remembered, context.now)
    headings = Headings(taxonomy.categories, remembered)
    return [one for place in places for one in _harvests(context, place, headings, essays)]


def keep_archive(context: Context, harvests: Sequence[Harvest]) -> Report:
    """Keep every item with an address: as a work, as a pick of its month, and its words as an example of style."""
    with recorded(context, "import") as report:
        wanted = [item for one in harvests for item in one.items if item.url]
        with context.db.write() as session:
            counts, reasons = take_found(session, SOURCE, map(_found, wanted), context.now)
            found = item_store.by_keys(session, list({work_key(item.url) for item in wanted}))
            pairs = [(found.get(work_key(item.url)), item) for item in wanted]
            kept = [_decision(work.id or 0, item, context.now) for work, item in pairs if work is not None]
            issue_store.keep_imported(session, kept)
        report.numbers = {"posts": len(harvests), "items": len(wanted), "kept": len(kept), **counts}
        lost = (item.title for one in harvests for item in one.items if not item.url)
        report.problems = [*reasons, *(f"“{title}” has no address and is left out" for title in lost)]
        report.problems += [f"“{name}” names no category; --map '{name}=…'" for name in _unmapped(harvests)]
        report.line = f"{len(kept)} items of {sum(bool(one.items) for one in harvests)} past issues kept"
    return report


def _unmapped(harvests: Sequence[Harvest]) -> list[str]:
    return list(dict.fromkeys(name for one in harvests for name in one.unmapped))


def _found(item: ImportedItem) -> Found:
    """The work as the past issue names it; the words are the editor's, so they are no summary of the source's."""
    return Found(guid=item.url, url=item.url, title=item.title or item.url, published=_middle(item.period))


def _middle(period: str) -> datetime | None:
    """The middle of a month: a work is dated by the issue it stood in until its own source says better."""
    year, _, month = period.partition("-")
    return datetime(int(year), int(month), 15, 12, tzinfo=UTC) if year.isdigit() and month.isdigit() else None


def _decision(item_id: int, item: ImportedItem, now: datetime) -> Decision:
    return Decision(
        item_id=item_id,
        period=item.period or None,
        verdict="pick",
        category=item.category or None,
        detail={"blurb": item.blurb, "markdown": item.markdown},
        origin="import",
        at=now,
    )


def _harvests(context: Context, place: str, headings: Headings, essays: bool) -> list[Harvest]:
    """What is in the posts of a feed, a page, a file, or a folder of posts; a stranger's are read in a worker."""
    if place.startswith(("http://", "https://")):
        return wait_for(_fetched(context, place, headings, essays))
    return [harvest(post, headings, essays=essays) for post in _posts(Path(place))]


def _posts(path: Path) -> list[Post]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _POSTS)
        if not files:
            raise NotFoundError(f"{path} holds no posts", "name a folder such as _posts, a file, or a feed's address")
        return [post for file in files for post in _file(file)]
    if not path.is_file():
        raise NotFoundError(f"there is no {path}", "name a feed's address, a file, or a folder such as _posts")
    return _file(path)


def _file(path: Path) -> list[Post]:
    data = path.read_bytes()
    if path.suffix.lower() in _POSTS:
        try:
            return [read_post(path.name, data.decode("utf-8-sig"))]
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not UTF-8 text", "save it as UTF-8") from error
    try:
        return posts_in(data, path.resolve().as_uri(), {})
    except ParseError as error:
        raise ParseError(f"{path}: {error.message}", error.hint) from error


async def _fetched(context: Context, url: str, headings: Headings, essays: bool) -> list[Harvest]:
    async with aclosing(context.make_fetcher()) as fetcher:
        response = await fetcher(Request(url))
    async with Workers(deadline=_READING) as workers:
        return await workers.run(harvested, response, headings, essays, subject=url)
