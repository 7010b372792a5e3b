"""Stage `import`: read past issues from feeds, Jekyll posts, Markdown or HTML, and store their items and blurbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlmodel import Session

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context, record_run
from digest.db.issues import replace_imported_decisions
from digest.db.items import load_items_by_key
from digest.db.key_value import IMPORTED_REVIEW_PREFIX, load_value, load_values, save_value
from digest.drafts.archive.chapters import ArchiveReview
from digest.drafts.archive.headings import HeadingMap
from digest.drafts.archive.items import ImportedItem, ImportedPost, extract_imported_post
from digest.drafts.archive.posts import PAGE_SUFFIXES, ArchivePost, parse_archive_post, parse_feed_posts
from digest.drafts.archive.proposed_taxonomy import propose_categories, render_proposed_taxonomy
from digest.errors import ConfigError, NotFoundError, ParseError
from digest.ingest.parser_process import ParserPool
from digest.ingest.store import ingest_entries
from digest.models.predictions import Decision
from digest.protocols import Report, Request, Response
from digest.sources.entries import Entry
from digest.tagging.taxonomy import resolve_category
from digest.text import format_count
from digest.urls import work_key

ARCHIVE_SOURCE = Source(id="archive", kind="feed", url="https://example.org/", name="past issues", quote="past issue")
_HEADINGS_KEY = "import:headings"
# An archive may have the posts of years.
_PARSE_SECONDS = 120.0
_ParsePost = Callable[[ArchivePost], ImportedPost]
_POST_SUFFIXES = (".md", ".markdown", *PAGE_SUFFIXES)


def read_archive(
    context: Context,
    locations: Sequence[str],
    categories_by_heading: Mapping[str, str],
    *,
    include_essays: bool = False,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> list[ImportedPost]:
    """Read the posts at addresses, in files or in folders; stores only the mapped headings.

    `only` and `skip` choose posts by a part of their title or address. A list of other things, such as books, is
    imported only when it is chosen.
    """
    taxonomy = context.config.taxonomy
    resolved = {heading: resolve_category(taxonomy, slug) for heading, slug in categories_by_heading.items()}
    with context.db.write() as session:
        editor_categories = load_value(session, _HEADINGS_KEY) | resolved
        save_value(session, _HEADINGS_KEY, editor_categories, context.now)
    headings = HeadingMap(taxonomy.categories, editor_categories)
    parse = partial(extract_imported_post, headings=headings, include_essays=include_essays, include_other=bool(only))
    posts: list[ImportedPost] = []
    for location in locations:
        if location.startswith(("http://", "https://")):
            posts += run_sync(_fetch_archive(context, location, parse))
        else:
            posts += map(parse, _read_posts(Path(location)))
    return [post for post in posts if (not only or _is_named(post, only)) and not _is_named(post, skip)]


def _is_named(post: ImportedPost, parts: Sequence[str]) -> bool:
    return any(part.casefold() in f"{post.title}\n{post.url}".casefold() for part in parts)


def import_archive(context: Context, posts: Sequence[ImportedPost], problems: Sequence[str] = ()) -> Report:
    """Store every item with an address as a work, a pick of its month and an example of style."""
    with record_run(context, "import") as report:
        all_items = [item for post in posts for item in post.items]
        items = [item for item in all_items if item.url]
        with context.db.write() as session:
            entries = map(_build_entry, items)
            counts, reasons = ingest_entries(session, ARCHIVE_SOURCE, entries, context.now, is_first_fetch=True)
            works = load_items_by_key(session, list({work_key(item.url) for item in items}))
            pairs = [(works.get(work_key(item.url)), item) for item in items]
            decisions = [_build_decision(work.id, item, context.now) for work, item in pairs if work is not None]
            replace_imported_decisions(session, decisions)
            for post in posts:
                if post.review is not None and post.period:
                    save_value(session, f"{IMPORTED_REVIEW_PREFIX}{post.period}", post.review.to_json(), context.now)
        report.numbers = {"posts": len(posts), "items": len(items), "kept": len(decisions), **counts}
        unmapped = dict.fromkeys(heading for post in posts for heading in post.unmapped_headings)
        report.problems = [
            *problems,
            *reasons,
            *(f"“{item.title}” has no address and is left out" for item in all_items if not item.url),
            *(
                f"“{title}” has the address of “{first}”: one work, with both texts"
                for post in posts
                for title, first in post.repeated
            ),
            *(f"“{text}” links nowhere in “{p.title}”" for p in posts if p.review for text in p.review.broken_links),
            *(f"“{heading}” names no category; --map '{heading}=…'" for heading in unmapped),
        ]
        report.line = (
            f"{format_count(len(decisions), 'item')} of {sum(bool(post.items) for post in posts)} past issues kept"
        )
    return report


def load_review(session: Session, period: str) -> ArchiveReview | None:
    """Load the imported text of a period's issue or review."""
    value = load_value(session, f"{IMPORTED_REVIEW_PREFIX}{period}")
    return ArchiveReview.from_json(value) if value else None


def propose_taxonomy(context: Context, categories_by_heading: Mapping[str, str]) -> str:
    """Render a taxonomy of the headings of imported reviews; raises NotFoundError without one. Writes nothing."""
    taxonomy = context.config.taxonomy
    resolved = {heading: resolve_category(taxonomy, slug) for heading, slug in categories_by_heading.items()}
    with context.db.read() as session:
        rows = load_values(session, IMPORTED_REVIEW_PREFIX)
        resolved = load_value(session, _HEADINGS_KEY) | resolved
    reviews = [ArchiveReview.from_json(value) for _, value in sorted(rows.items(), reverse=True)]
    categories = propose_categories(reviews, taxonomy, resolved)
    if not categories:
        raise NotFoundError("no imported review sorts works under headings", "run `digest import` on past reviews")
    return render_proposed_taxonomy(categories, taxonomy.version + 1)


def _build_entry(item: ImportedItem) -> Entry:
    """Build the work's entry, without a summary, which is the source's, and without a date, which is not known."""
    return Entry(guid=item.url, url=item.url, title=item.title or item.url)


def _build_decision(item_id: int, item: ImportedItem, now: datetime) -> Decision:
    return Decision(
        item_id=item_id,
        period=item.period or None,
        verdict="pick",
        category=item.category or None,
        detail={"blurb": item.blurb, "markdown": item.markdown} | ({"verdict": item.verdict} if item.verdict else {}),
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


async def _fetch_archive(context: Context, url: str, parse: _ParsePost) -> list[ImportedPost]:
    async with aclosing(context.make_fetcher()) as fetcher:
        response = await fetcher(Request(url))
    async with ParserPool(deadline=_PARSE_SECONDS) as parser:
        return await parser.run(parse_archive_response, response, parse, subject=url)


def parse_archive_response(response: Response, parse: _ParsePost) -> list[ImportedPost]:
    """Parse the posts of a feed or a page, in the parser process; raises ParseError."""
    if "html" in response.headers.get("content-type", ""):
        posts = [parse_archive_post("page.html", response.body.decode("utf-8", "replace"))]
    else:
        posts = parse_feed_posts(response.body, response.url, response.headers)
    return [parse(post) for post in posts]
