"""Stage `import`: past issues.

`import`: past issues read back from feeds, Jekyll posts, Markdown or HTML; their items and words become memory.

From bytes to what past posts hold. Runs in a worker process where a stranger sent them: few imports, no I/O.

Past issues read back: posts with headings and lists of links become items with the editor's words on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context, record_run
from digest.db.issues import replace_imported_decisions
from digest.db.items import load_items_by_key
from digest.db.key_value import load_value, save_value
from digest.drafts.archive.headings import HeadingMap
from digest.drafts.archive.items import ImportedItem, ImportedPost, extract_imported_post
from digest.drafts.archive.posts import ArchivePost, parse_archive_post
from digest.errors import ConfigError, NotFoundError, ParseError
from digest.ingest.parser_process import ParserPool
from digest.ingest.store import ingest_entries
from digest.models.predictions import Decision
from digest.protocols import Report, Request, Response
from digest.sources.entries import Entry
from digest.sources.feeds import parse_feed
from digest.tagging.taxonomy import resolve_category
from digest.urls import work_key


def parse_archive_response(response: Response, headings: HeadingMap, include_essays: bool) -> list[ImportedPost]:
    """What the posts of an answer hold, a page or a feed. Raises ParseError."""
    if "html" in response.headers.get("content-type", ""):
        posts = [parse_archive_post("page.html", response.body.decode("utf-8", "replace"))]
    else:
        posts = parse_feed_posts(response.body, response.url, response.headers)
    return [extract_imported_post(post, headings, include_essays=include_essays) for post in posts]


def parse_feed_posts(data: bytes, url: str, headers: Mapping[str, str]) -> list[ArchivePost]:
    """The posts of a feed. Raises ParseError."""
    feed = parse_feed(data, url=url, headers=headers, clean=_keep_fragment)
    return [ArchivePost(item.title, item.content or item.summary, item.url, item.published) for item in feed.entries]


def _keep_fragment(fragment: str, base: str) -> str:
    """A post as the feed holds it, with its footnotes' names and its empty links, which cleaning takes away.

    Only words and addresses are read out of it, as out of a file.
    """
    stated = f'<base href="{escape(base)}">' if base.startswith("http") else ""
    return stated + fragment


ARCHIVE_SOURCE = Source(id="archive", kind="feed", url="https://example.org/", name="past issues", quote="past issue")
_HEADINGS_KEY = "import:headings"
_PARSE_SECONDS = 120.0  # seconds; an archive holds the posts of years
_POST_SUFFIXES = (".md", ".markdown", ".html", ".htm", ".xhtml")


def read_archive(
    context: Context,
    locations: Sequence[str],
    categories_by_heading: Mapping[str, str],
    *,
    include_essays: bool = False,
) -> list[ImportedPost]:
    """What the posts at those addresses, files or folders hold; nothing is stored but the headings that were mapped."""
    taxonomy = context.config.taxonomy
    known = {heading: resolve_category(taxonomy, slug) for heading, slug in categories_by_heading.items()}
    with context.db.write() as session:
        remembered = load_value(session, _HEADINGS_KEY) | known
        save_value(session, _HEADINGS_KEY, remembered, context.now)
    headings = HeadingMap(taxonomy.categories, remembered)
    return [one for place in locations for one in _read_location(context, place, headings, include_essays)]


def import_archive(context: Context, imported_posts: Sequence[ImportedPost]) -> Report:
    """Keep every item with an address: as a work, as a pick of its month, and its words as an example of style."""
    with record_run(context, "import") as report:
        wanted = [item for one in imported_posts for item in one.items if item.url]
        with context.db.write() as session:
            counts, reasons = ingest_entries(session, ARCHIVE_SOURCE, map(_build_entry, wanted), context.now)
            found = load_items_by_key(session, list({work_key(item.url) for item in wanted}))
            pairs = [(found.get(work_key(item.url)), item) for item in wanted]
            kept = [_build_decision(work.id, item, context.now) for work, item in pairs if work is not None]
            replace_imported_decisions(session, kept)
        report.numbers = {"posts": len(imported_posts), "items": len(wanted), "kept": len(kept), **counts}
        lost = (item.title for one in imported_posts for item in one.items if not item.url)
        report.problems = [*reasons, *(f"“{title}” has no address and is left out" for title in lost)]
        report.problems += [
            f"“{name}” names no category; --map '{name}=…'" for name in _find_unmapped_headings(imported_posts)
        ]
        report.line = f"{len(kept)} items of {sum(bool(one.items) for one in imported_posts)} past issues kept"
    return report


def _find_unmapped_headings(imported_posts: Sequence[ImportedPost]) -> list[str]:
    return list(dict.fromkeys(name for one in imported_posts for name in one.unmapped_headings))


def _build_entry(item: ImportedItem) -> Entry:
    """The work as the past issue names it; the words are the editor's, so they are no summary of the source's."""
    return Entry(
        guid=item.url, url=item.url, title=item.title or item.url, published=_find_middle_of_month(item.period)
    )


def _find_middle_of_month(period: str) -> datetime | None:
    """The middle of a month: a work is dated by the issue it stood in until its own source says better."""
    year, _, month = period.partition("-")
    return datetime(int(year), int(month), 15, 12, tzinfo=UTC) if year.isdigit() and month.isdigit() else None


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


def _read_location(context: Context, location: str, headings: HeadingMap, include_essays: bool) -> list[ImportedPost]:
    """What is in the posts of a feed, a page, a file, or a folder of posts; a stranger's are read in a worker."""
    if location.startswith(("http://", "https://")):
        return run_sync(_fetch_archive(context, location, headings, include_essays))
    return [
        extract_imported_post(post, headings, include_essays=include_essays) for post in _read_posts(Path(location))
    ]


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
    async with ParserPool(deadline=_PARSE_SECONDS) as workers:
        return await workers.run(parse_archive_response, response, headings, include_essays, subject=url)
