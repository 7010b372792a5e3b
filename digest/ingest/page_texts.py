"""Read the pages of new entries whose feed gives a title and an address alone, so that they have words.

A page is asked for once, in the fetch that finds its entry; what cannot be read stays a title.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context
from digest.db.items import load_items_by_id, load_textless_items
from digest.errors import SourceError
from digest.ingest.add import fetch_article
from digest.ingest.normalize import PreparedItem, normalize_entry
from digest.ingest.parser_process import ParserPool
from digest.models.items import Item
from digest.protocols import Fetcher

_MAX_PAGES_PER_SOURCE = 30  # the newest; a first fetch may bring hundreds
_MAX_CONCURRENT_PAGES = 8
_PAGE_DEADLINE = 20.0  # seconds
_KINDS = ("feed", "page")


def fill_missing_texts(context: Context, since: datetime) -> tuple[int, int]:
    """Read the pages of items first seen since a moment that have no text; return how many were read and not."""
    sources = {source.id: source for source in context.config.sources if source.kind in _KINDS}
    with context.db.read() as session:
        items = load_textless_items(session, list(sources), since, _MAX_PAGES_PER_SOURCE)
    items = [item for item in items if item.url != sources[item.source_id].url and "#" not in item.url]
    if not items:
        return 0, 0
    pages = run_sync(_read_pages(context, items, sources))
    with context.db.write() as session:
        stored = load_items_by_id(session, pages)
        for item_id, page in pages.items():
            item = stored[item_id]
            if not item.summary and not item.content:
                item.summary, item.content = page.summary, page.content
                item.authors = item.authors or page.authors
                if item.published is None and page.published:
                    item.published, item.date_flag = page.published, None
                session.add(item)
    return len(pages), len(items) - len(pages)


async def _read_pages(context: Context, items: Sequence[Item], sources: dict[str, Source]) -> dict[int, PreparedItem]:
    """Read the items' pages; those that cannot be read, or hold no words either, are left out."""
    slots, pages = asyncio.Semaphore(_MAX_CONCURRENT_PAGES), dict[int, PreparedItem]()
    async with aclosing(context.make_fetcher()) as fetcher, ParserPool(deadline=_PAGE_DEADLINE) as pool:

        async def read(item: Item) -> None:
            async with slots:
                page = await _read_page(context, fetcher, pool, item, sources[item.source_id])
            if page and (page.summary or page.content):
                pages[item.id] = page
            step(1)

        with context.progress.task("reading pages", len(items)) as step:
            await asyncio.gather(*map(read, items))
    return pages


async def _read_page(
    context: Context, fetcher: Fetcher, pool: ParserPool, item: Item, source: Source
) -> PreparedItem | None:
    try:
        entry = await fetch_article(fetcher, pool, item.url, _PAGE_DEADLINE, allow_private=source.allow_private)
    except SourceError:
        return None
    outcome = normalize_entry(entry, source, context.now)
    return outcome if isinstance(outcome, PreparedItem) else None
