"""`add`: one work by its address, or many from a file of JSON lines."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime
from itertools import islice
from pathlib import Path

from sqlmodel import Session

from digest.config import Source
from digest.errors import ConfigError, NotFoundError, SourceError, describe_read_error
from digest.fetch.worker import ParserPool
from digest.intake import ParsedLines, parse_jsonl_items
from digest.models import Item, SourceResult
from digest.pipeline.context import Context, record_run
from digest.pipeline.intake import ingest_entries, ingest_items_by_source
from digest.pipeline.waiting import run_sync
from digest.ports import Entry, Report, Request
from digest.sources import parse_article
from digest.store import items as item_store
from digest.store import ledger
from digest.urls import work_key

_BATCH_LINES = 1500  # lines; a smaller file is read in this process
_BATCH_DEADLINE = 120.0  # seconds for a batch that takes half of one
_PAGE_DEADLINE = 30.0  # seconds that one page may take to be read
_MAX_SHOWN_PROBLEMS = 20  # mistakes of a file that are told one by one

_LineBatch = list[tuple[str, str]]  # place and line


def get_manual_source(context: Context, source_id: str) -> Source:
    """The configured source of that name, or a stand-in for what a person brings in by hand."""
    return context.config.find_source(source_id) or Source(
        id=source_id, kind="feed", url="https://example.org/", name="added by hand", quote="source"
    )


def add_url(context: Context, url: str, source_id: str = "manual", deadline: float = 60.0) -> tuple[Item, Report]:
    """Fetch a page or paper within `deadline` seconds and keep it as an item; a known one is mentioned once more."""
    if not url.lower().startswith(("http://", "https://")):
        raise ConfigError(f"{url!r} is not an http or https address", "write it whole, with https:// in front")
    source = get_manual_source(context, source_id)
    with record_run(context, "add") as report:
        found = run_sync(_fetch_article(context, url, deadline))
        with context.db.write() as session:
            counts, reasons = ingest_entries(session, source, [found], context.now)
            _record_counts(session, report, source.id, counts, context.now)
            if reasons:
                raise SourceError(f"{url} cannot be kept: {reasons[0]}", "add it with --jsonl and a title")
            item = item_store.load_items_by_key(session, [work_key(found.url or url), work_key(url)])
        if not item:
            raise NotFoundError(f"{url} was read but not kept", "add it with --jsonl and a title")
        kept = next(iter(item.values()))
        report.numbers = dict(counts)
        report.line = f"{kept.key}: {kept.title}"
    return kept, report


async def _fetch_article(context: Context, url: str, deadline: float) -> Entry:
    async with aclosing(context.make_fetcher()) as fetcher:
        response = await fetcher(Request(url, deadline=deadline))
    async with ParserPool(deadline=min(deadline, _PAGE_DEADLINE)) as workers:
        return await workers.run(parse_article, response.body, response.url, dict(response.headers), subject=url)


def add_jsonl_file(context: Context, path: Path, source_id: str = "manual") -> Report:
    """Keep every line of a file: title or url, and authors, published, summary (or abstract), arxiv_id, source.

    A line may name its own configured source. Lines that cannot be read are counted as rejected and named.
    """
    with record_run(context, "add") as report, context.progress.task(f"adding {path.name}") as advance:
        totals = run_sync(_add_lines(context, path, source_id, report, advance))
        report.numbers = dict(totals)
        report.line = (
            f"{path.name}: {totals['found']} found, {totals['new']} new, {totals['revised']} revised, "
            f"{totals['unchanged']} unchanged, {totals['duplicate']} duplicate, {totals['rejected']} rejected"
        )
        more = len(report.problems) - _MAX_SHOWN_PROBLEMS
        report.problems = [*report.problems[:_MAX_SHOWN_PROBLEMS], *([f"… {more} more"] if more > 0 else [])]
        if totals["rejected"]:
            report.state = "partial"
    return report


async def _add_lines(
    context: Context, path: Path, source_id: str, report: Report, advance: Callable[[int], None]
) -> Counter[str]:
    """Batch after batch; while one is stored, another process reads the next. Returns the sums of all fates."""
    configured = {source.id: source for source in context.config.sources}
    common = (configured, get_manual_source(context, source_id), context.now)
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    async with aclosing(_parse_batches(_read_batches(path), common, path.name)) as batches:
        async for lines in batches:
            await asyncio.to_thread(_store_batch, context, report, fates, lines)
            advance(lines.line_count)
    return sum(fates.values(), Counter())


async def _parse_batches(
    batches: Iterator[_LineBatch], common: tuple[Mapping[str, Source], Source, datetime], subject: str
) -> AsyncGenerator[ParsedLines, None]:
    """What each batch holds. The next one is read in another process meanwhile; a single one is not worth a process."""
    first, following = next(batches, []), next(batches, None)
    if following is None:
        yield parse_jsonl_items(first, *common)
        return
    async with ParserPool(deadline=_BATCH_DEADLINE) as workers:
        coming = asyncio.create_task(workers.run(parse_jsonl_items, following, *common, subject=subject))
        try:
            yield await asyncio.to_thread(parse_jsonl_items, first, *common)  # while the process starts
            for batch in batches:
                lines = await coming
                coming = asyncio.create_task(workers.run(parse_jsonl_items, batch, *common, subject=subject))
                yield lines
            yield await coming
        finally:
            coming.cancel()
            await asyncio.wait([coming])


def _store_batch(context: Context, report: Report, fates: dict[str, Counter[str]], lines: ParsedLines) -> None:
    """Store one batch and its counts by source, so far, in one transaction."""
    with context.db.write() as session:
        for name, counts in ingest_items_by_source(session, lines.items).items():
            fates[name].update(counts)
            fates[name]["found"] += counts.total()
        for name, refused in lines.rejected_counts.items():
            fates[name].update(found=refused, rejected=refused)
        for name, counts in fates.items():
            _record_counts(session, report, name, counts, context.now)
    report.problems = [*report.problems, *lines.problems]


def _record_counts(session: Session, report: Report, source_id: str, counts: Mapping[str, int], now: datetime) -> None:
    count = SourceResult(run_id=report.run_id or 0, source_id=source_id, at=now)
    for fate in (*ledger.OUTCOMES, "found"):
        setattr(count, fate, counts.get(fate, 0))
    ledger.save_source_results(session, count)


def _read_batches(path: Path) -> Iterator[_LineBatch]:
    """The file's lines with their places, some at a time; empty lines are left out."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            lines = ((f"{path.name}:{number}", line) for number, line in enumerate(file, 1) if line.strip())
            while batch := list(islice(lines, _BATCH_LINES)):
                yield batch
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise ConfigError(
            f"{path} cannot be read: {describe_read_error(error)}", "give a UTF-8 file of JSON lines, or its .gz"
        ) from error
