"""Stage `radar`: works that two or more sources link to become candidates, and who named a work is recorded.

A link in a post is a mention of the work it leads to: by the post's source, in the words around the link, on the day
of the post. A page that is no item yet is read once two sources named it in the period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from digest.aio import run_sync
from digest.config.schema import Config, Source
from digest.context import Context, record_run
from digest.db.items import load_items_by_id, load_items_by_key
from digest.db.radar import (
    load_known_works,
    load_naming_sources,
    load_namings,
    load_unknown_works,
    save_namings,
    save_work_alias,
)
from digest.errors import FetchError, ParseError, SourceError
from digest.ingest.add import fetch_article, read_articles
from digest.ingest.fetch import fetch_sources
from digest.ingest.normalize import MENTION_SUMMARY_CAP
from digest.ingest.page_texts import fill_missing_texts
from digest.ingest.parser_process import ParserPool
from digest.ingest.store import ingest_entries
from digest.models.items import NAMING_PREFIX, RADAR_SOURCE, Item, OutboundLink
from digest.periods import Period, get_month_of
from digest.protocols import Fetcher, Report
from digest.sources.entries import Entry
from digest.text import format_count, hash_texts
from digest.urls import work_key
from digest.urls.canonical import extract_site

MIN_NAMERS = 2  # sources that name a work which then becomes a candidate
_MAX_AGE = timedelta(days=92)  # before the period; what is older is a reference and no news
_MAX_PAGES = 200  # read in one run, those that most sources name first
_PAGE_DEADLINE = 30.0  # seconds
_REFUSALS = (401, 402, 403, 405, 406, 429, 451)  # a page that is there, but not for programs
_MIN_TITLE_WORDS = 3  # of a link's words that can be the title of a page that could not be read


@dataclass(frozen=True, slots=True)
class _PageResult:
    """What reading the page of a named work gave: an entry, or the error and the work's links alone."""

    key: str
    links: Sequence[OutboundLink]
    entry: Entry | None = None
    error: str = ""


def fetch_with_radar(context: Context, names: Sequence[str] = (), *, force: bool = False) -> Report:
    """Fetch the sources that are due, or the named ones, and the works they name this month and the month before.

    New entries that are a title alone get the text of their pages.
    """
    started = context.now
    report = run_sync(fetch_sources(context, names, force=force))
    read_count, unread_count = fill_missing_texts(context, started)
    if read_count or unread_count:
        report.line += f"; {format_count(read_count, 'page')} read for entries without text"
        report.line += f", {unread_count} could not be" if unread_count else ""
        report.numbers["pages"] = {"read": read_count, "unread": unread_count}
    this = get_month_of(context.now, context.zone)
    before = get_month_of(this.start(context.zone) - timedelta(days=1), context.zone)
    if radar := refresh_radar(context, Period(before.first, this.last)):
        report.line += f"; {radar.line}"
        report.numbers["radar"] = radar.numbers
    return report


def refresh_radar(context: Context, period: Period) -> Report | None:
    """Do as `read_radar` if there is a page to read; else record who names what, without a run."""
    with context.db.read() as session:
        has_unknown = bool(_load_unknown_works(context, session, period))
    if has_unknown:
        return read_radar(context, period)
    record_namings(context, period)
    return None


def read_radar(context: Context, period: Period, *, should_fetch: bool = True) -> Report:
    """Record who names which works in a period, and read the pages of works that are new."""
    with record_run(context, "radar", period.name) as report:
        results: list[_PageResult] = []
        with context.db.read() as session:
            unknown = _load_unknown_works(context, session, period)
        if unknown and should_fetch:
            read_page = partial(_read_page, context)
            results = run_sync(read_articles(context, "radar", _PAGE_DEADLINE, unknown.items(), read_page))
            with context.db.write() as session:
                for result in results:
                    _store_page(session, context, result)
        named = record_namings(context, period)
        read = [result for result in results if result.entry]
        report.numbers = {"named": named, "read": len(read), "unread": len(results) - len(read)}
        report.line = f"{format_count(named, 'work')} named by {MIN_NAMERS} sources or more, {len(read)} pages read"
        report.problems = [result.error for result in results if not result.entry]
        if report.problems:
            report.line += f"; {len(report.problems)} pages could not be read and are tried again"
    return report


def record_namings(context: Context, period: Period) -> int:
    """Record the links of a period's posts as mentions of their works; return how many works two sources name.

    Each of these is a candidate of the period unless it is much older.
    """
    with context.db.write() as session:
        links_by_item = load_known_works(session, period.start(context.zone), period.end(context.zone))
        items = load_items_by_id(session, links_by_item)
        rows = [
            row
            for item_id, links in links_by_item.items()
            if item_id in items
            for row in _build_namings(items[item_id], links, context.now)
        ]
        save_namings(session, rows)
        namers = load_namers(context.config, session, list(items.values()))
        popular = [item for item in items.values() if len(namers.get(item.id, ())) >= MIN_NAMERS]
        save_namings(
            session, [row for item in popular for row in _build_marks(context, item, links_by_item[item.id], period)]
        )
    return len(popular)


def load_namers(config: Config, session: Session, items: Sequence[Item]) -> dict[int, tuple[str, ...]]:
    """Load the names of the sources that name each item, the first first; the publisher of a work does not name it.

    A feed names what its posts link to; a page, and a plug-in's kind, what it lists of other sites.
    """
    listing = {s.id: extract_site(s.url or "") for s in config.sources if not s.kind.startswith(("arxiv", "feed"))}
    named = load_naming_sources(session, [item.id for item in items], listing)
    return {
        item.id: tuple(get_source_name(config, name) for name in named[item.id] if listing.get(name) != site)
        for item in items
        if item.id in named and (site := extract_site(item.url)) is not None
    }


def list_named_works(context: Context, period: Period) -> list[dict[str, Any]]:
    """List the works that two or more sources name in a period: who, when and in which words."""
    with context.db.read() as session:
        links_by_item = load_known_works(session, period.start(context.zone), period.end(context.zone))
        items = load_items_by_id(session, links_by_item)
        namers = load_namers(context.config, session, list(items.values()))
        namings = load_namings(session, links_by_item)
    rows = []
    for item_id, item in items.items():
        if len(names := namers.get(item_id, ())) < MIN_NAMERS:
            continue
        quoted = [
            {
                "source": get_source_name(context.config, naming.source_id),
                "text": naming.text,
                "date": f"{naming.published or naming.first_seen:%Y-%m-%d}",
                "url": naming.url,
            }
            for naming in namings.get(item_id, ())
        ]
        facts = {"key": item.key, "title": item.title, "url": item.url}
        rows.append({**facts, "named_by": list(names), "words": quoted})
    return sorted(rows, key=lambda row: (-len(row["named_by"]), row["key"]))


def get_source_name(config: Config, source_id: str) -> str:
    """Return the name that readers know a source by."""
    source = config.find_source(source_id)
    return source.label if source else source_id


def _load_unknown_works(context: Context, session: Session, period: Period) -> dict[str, list[OutboundLink]]:
    """Load the works to read, those that most sources name first; links of sources no longer configured count too."""
    start, end = period.start(context.zone), period.end(context.zone)
    works = load_unknown_works(session, start, end, MIN_NAMERS)
    order = sorted(works, key=lambda key: (-len({link.source_id for link in works[key]}), key))
    return {key: works[key] for key in order[:_MAX_PAGES]}


async def _read_page(
    context: Context, fetcher: Fetcher, pool: ParserPool, work: tuple[str, Sequence[OutboundLink]]
) -> _PageResult:
    """Read a work's page; a page that refuses programs has the words of a link as its title."""
    key, links = work
    sources = [context.config.find_source(link.source_id) for link in links]
    allow_private = all(source is not None and source.allow_private for source in sources)
    url = links[0].url
    try:
        entry = await fetch_article(fetcher, pool, url, _PAGE_DEADLINE, allow_private=allow_private)
    except SourceError as error:
        is_there = isinstance(error, ParseError) or (isinstance(error, FetchError) and error.status in _REFUSALS)
        title = max((link.anchor for link in links), key=len)
        if not is_there or len(title.split()) < _MIN_TITLE_WORDS:
            return _PageResult(key, links, error=f"{url}: {error.message}")
        entry = Entry(guid=url, url=url, title=title)
    return _PageResult(key, links, entry)


def _store_page(session: Session, context: Context, result: _PageResult) -> None:
    """Store the page as an item, or as one more address of the item that it is."""
    if result.entry is None:
        return
    source = Source(id=RADAR_SOURCE, kind="feed", url="https://example.org/", name="radar", quote="source")
    ingest_entries(session, source, [result.entry], context.now)
    keys = [work_key(result.entry.url), *([f"arxiv:{result.entry.arxiv_id}"] if result.entry.arxiv_id else [])]
    item = next(iter(load_items_by_key(session, keys).values()), None)
    if item and result.key != item.key:
        save_work_alias(session, result.key, item.id)


def _build_namings(item: Item, links: Sequence[OutboundLink], now: datetime) -> list[dict[str, Any]]:
    """Build a mention for each source that links to an item, with its first words on it."""
    first: dict[str, OutboundLink] = {}
    for link in links:
        first.setdefault(link.source_id, link)
    return [_build_naming(item, link, source_id, hash_texts(item.key), now) for source_id, link in first.items()]


def _build_marks(context: Context, item: Item, links: Sequence[OutboundLink], period: Period) -> list[dict[str, Any]]:
    """Build the mention that makes a work a candidate of the months in which it is named."""
    if item.published and item.published < period.start(context.zone) - _MAX_AGE:
        return []
    by_month: dict[str, list[OutboundLink]] = {}
    for link in links:
        by_month.setdefault(get_month_of(link.at, context.zone).name, []).append(link)
    return [
        _build_naming(item, own[0], RADAR_SOURCE, f"{hash_texts(item.key)}:{month}", context.now)
        for month, own in by_month.items()
        if len({link.source_id for link in own}) >= MIN_NAMERS or len(by_month) == 1
    ]


def _build_naming(item: Item, link: OutboundLink, source_id: str, name: str, now: datetime) -> dict[str, Any]:
    return {
        "item_id": item.id,
        "source_id": source_id,
        "guid": f"{NAMING_PREFIX}{name}",
        "url": link.page_url,
        "title": link.page_title,
        "published": link.at,
        "first_seen": now,
        "digest": "",
        "own_key": link.key,
        "text": link.text[:MENTION_SUMMARY_CAP],
    }
