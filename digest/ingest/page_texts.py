"""Read the pages of new entries whose feed gives a title and an address alone, so that they have words.

A page is asked for once, in the fetch that finds its entry; what cannot be read stays a title.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context
from digest.db.items import load_items_by_id, load_textless_items
from digest.errors import SourceError
from digest.ingest.add import fetch_article, read_articles
from digest.ingest.normalize import PreparedItem, normalize_entry
from digest.ingest.parser_process import ParserPool
from digest.models.items import Item
from digest.protocols import Fetcher

_MAX_PAGES_PER_SOURCE = 30  # the newest; a first fetch may bring hundreds
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
    read_page = partial(_read_page, context, sources)
    read_pages = run_sync(read_articles(context, "reading pages", _PAGE_DEADLINE, items, read_page))
    pages = {item.id: page for item, page in zip(items, read_pages, strict=True) if page}
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


async def _read_page(
    context: Context, sources: Mapping[str, Source], fetcher: Fetcher, pool: ParserPool, item: Item
) -> PreparedItem | None:
    """Read an item's page; None when it cannot be read, or holds no words either."""
    source = sources[item.source_id]
    try:
        entry = await fetch_article(fetcher, pool, item.url, _PAGE_DEADLINE, allow_private=source.allow_private)
    except SourceError:
        return None
    outcome = normalize_entry(entry, source, context.now)
    return outcome if isinstance(outcome, PreparedItem) and (outcome.summary or outcome.content) else None
