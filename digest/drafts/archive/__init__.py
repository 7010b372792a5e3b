"""Stage `import`: read past issues from feeds, Jekyll posts, Markdown or HTML, and store their items and blurbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context, record_run
from digest.db.issues import replace_imported_decisions
from digest.db.items import load_items_by_key
from digest.db.key_value import load_value, save_value
from digest.drafts.archive.headings import HeadingMap
from digest.drafts.archive.items import ImportedItem, ImportedPost, extract_imported_post
from digest.drafts.archive.posts import PAGE_SUFFIXES, ArchivePost, parse_archive_post, parse_feed_posts
from digest.errors import ConfigError, NotFoundError, ParseError
from digest.ingest.parser_process import ParserPool
from digest.ingest.store import ingest_entries
from digest.models.predictions import Decision
from digest.protocols import Report, Request, Response
from digest.sources.entries import Entry
from digest.tagging.taxonomy import resolve_category
from digest.urls import work_key

ARCHIVE_SOURCE = Source(id="archive", kind="feed", url="https://example.org/", name="past issues", quote="past issue")
_HEADINGS_KEY = "import:headings"
# An archive may have the posts of years.
_PARSE_SECONDS = 120.0
_POST_SUFFIXES = (".md", ".markdown", *PAGE_SUFFIXES)


def read_archive(
    context: Context,
    locations: Sequence[str],
    categories_by_heading: Mapping[str, str],
    *,
    include_essays: bool = False,
) -> list[ImportedPost]:
    """Read the posts at addresses, in files or in folders; stores only the mapped headings."""
    taxonomy = context.config.taxonomy
    resolved = {heading: resolve_category(taxonomy, slug) for heading, slug in categories_by_heading.items()}
    with context.db.write() as session:
        editor_categories = load_value(session, _HEADINGS_KEY) | resolved
        save_value(session, _HEADINGS_KEY, editor_categories, context.now)
    headings = HeadingMap(taxonomy.categories, editor_categories)
    posts: list[ImportedPost] = []
    for location in locations:
        if location.startswith(("http://", "https://")):
            posts += run_sync(_fetch_archive(context, location, headings, include_essays))
        else:
            posts += [
                extract_imported_post(post, headings, include_essays=include_essays)
                for post in _read_posts(Path(location))
            ]
    return posts


def import_archive(context: Context, posts: Sequence[ImportedPost]) -> Report:
    """Store every item with an address as a work, a pick of its month and an example of style."""
    with record_run(context, "import") as report:
        all_items = [item for post in posts for item in post.items]
        items = [item for item in all_items if item.url]
        with context.db.write() as session:
            counts, reasons = ingest_entries(session, ARCHIVE_SOURCE, map(_build_entry, items), context.now)
            works = load_items_by_key(session, list({work_key(item.url) for item in items}))
            pairs = [(works.get(work_key(item.url)), item) for item in items]
            decisions = [_build_decision(work.id, item, context.now) for work, item in pairs if work is not None]
            replace_imported_decisions(session, decisions)
        report.numbers = {"posts": len(posts), "items": len(items), "kept": len(decisions), **counts}
        unmapped = dict.fromkeys(heading for post in posts for heading in post.unmapped_headings)
        report.problems = [
            *reasons,
            *(f"“{item.title}” has no address and is left out" for item in all_items if not item.url),
            *(f"“{heading}” names no category; --map '{heading}=…'" for heading in unmapped),
        ]
        report.line = f"{len(decisions)} items of {sum(bool(post.items) for post in posts)} past issues kept"
    return report


def _build_entry(item: ImportedItem) -> Entry:
    """Build the work's entry, without a summary: the blurb is the editor's.

    A work is dated to the middle of its issue's month until its own source gives a date.
    """
    year, _, month = item.period.partition("-")
    has_month = year.isdigit() and month.isdigit()
    published = datetime(int(year), int(month), 15, 12, tzinfo=UTC) if has_month else None
    return Entry(guid=item.url, url=item.url, title=item.title or item.url, published=published)


def _build_decision(item_id: int, item: ImportedItem, now: datetime) -> Decision:
    return Decision(
        item_id=item_id,
        period=item.period or None,
        verdict="pick",
        category=item.category or None,
        detail={"blurb": item.blurb, "markdown": item.markdown},
        origin="import",
        at=now,
    )


def _read_posts(path: Path) -> list[ArchivePost]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _POST_SUFFIXES)
        if not files:
            raise NotFoundError(f"{path} holds no posts", "name a folder such as _posts, a file, or a feed's address")
        return [post for file in files for post in _read_post_file(file)]
    if not path.is_file():
        raise NotFoundError(f"there is no {path}", "name a feed's address, a file, or a folder such as _posts")
    return _read_post_file(path)


def _read_post_file(path: Path) -> list[ArchivePost]:
    data = path.read_bytes()
    if path.suffix.lower() in _POST_SUFFIXES:
        try:
            return [parse_archive_post(path.name, data.decode("utf-8-sig"))]
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path} is not UTF-8 text", "save it as UTF-8") from error
    try:
        return parse_feed_posts(data, path.resolve().as_uri(), {})
    except ParseError as error:
        raise ParseError(f"{path}: {error.message}", error.hint) from error


async def _fetch_archive(context: Context, url: str, headings: HeadingMap, include_essays: bool) -> list[ImportedPost]:
    async with aclosing(context.make_fetcher()) as fetcher:
        response = await fetcher(Request(url))
    async with ParserPool(deadline=_PARSE_SECONDS) as parser:
        return await parser.run(parse_archive_response, response, headings, include_essays, subject=url)


def parse_archive_response(response: Response, headings: HeadingMap, include_essays: bool) -> list[ImportedPost]:
    """Parse the posts of a feed or a page, in the parser process; raises ParseError."""
    if "html" in response.headers.get("content-type", ""):
        posts = [parse_archive_post("page.html", response.body.decode("utf-8", "replace"))]
    else:
        posts = parse_feed_posts(response.body, response.url, response.headers)
    return [extract_imported_post(post, headings, include_essays=include_essays) for post in posts]
