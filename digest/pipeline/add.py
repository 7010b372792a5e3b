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
from digest.errors import ConfigError, NotFoundError, SourceError, unread
from digest.fetch.worker import Workers
from digest.intake import Lines, read_lines
from digest.models import Count, Item
from digest.pipeline.context import Context, recorded
from digest.pipeline.intake import take_found, take_in_each
from digest.pipeline.waiting import wait_for
from digest.ports import Found, Report, Request
from digest.sources import parse_article
from digest.store import items as item_store
from digest.store import ledger
from digest.urls import work_key

_BATCH = 1500  # lines; a smaller file is read in this process
_DEADLINE = 120.0  # seconds for a batch that takes half of one
_READING = 30.0  # seconds that one page may take to be read
_SHOWN = 20  # mistakes of a file that are told one by one

_Batch = list[tuple[str, str]]  # place and line


def manual_source(context: Context, source_id: str) -> Source:
    """The configured source of that name, or a stand-in for what a person brings in by hand."""
    return context.config.source(source_id) or Source(
        id=source_id, kind="feed", url="https://example.org/", name="added by hand", quote="source"
    )


def add_url(context: Context, url: str, source_id: str = "manual", deadline: float = 60.0) -> tuple[Item, Report]:
    """Fetch a page or paper within `deadline` seconds and keep it as an item; a known one is mentioned once more."""
    if not url.lower().startswith(("http://", "https://")):
        raise ConfigError(f"{url!r} is not an http or https address", "write it whole, with https:// in front")
    source = manual_source(context, source_id)
    with recorded(context, "add") as report:
        found = wait_for(_article(context, url, deadline))
        with context.db.write() as session:
            counts, reasons = take_found(session, source, [found], context.now)
            _count(session, report, source.id, counts, context.now)
            if reasons:
                raise SourceError(f"{url} cannot be kept: {reasons[0]}", "add it with --jsonl and a title")
            item = item_store.by_keys(session, [work_key(found.url or url), work_key(url)])
        if not item:
            raise NotFoundError(f"{url} was read but not kept", "add it with --jsonl and a title")
        kept = next(iter(item.values()))
        report.numbers = dict(counts)
        report.line = f"{kept.key}: {kept.title}"
    return kept, report


async def _article(context: Context, url: str, deadline: float) -> Found:
    async with aclosing(context.make_fetcher()) as fetcher:
        response = await fetcher(Request(url, deadline=deadline))
    async with Workers(deadline=min(deadline, _READING)) as workers:
        return await workers.run(parse_article, response.body, response.url, dict(response.headers), subject=url)


def add_jsonl(context: Context, path: Path, source_id: str = "manual") -> Report:
    """Keep every line of a file: title or url, and authors, published, summary (or abstract), arxiv_id, source.

    A line may name its own configured source. Lines that cannot be read are counted as rejected and named.
    """
    with recorded(context, "add") as report, context.progress.task(f"adding {path.name}") as advance:
        totals = wait_for(_add_lines(context, path, source_id, report, advance))
        report.numbers = dict(totals)
        report.line = (
            f"{path.name}: {totals['found']} found, {totals['new']} new, {totals['revised']} revised, "
            f"{totals['unchanged']} unchanged, {totals['duplicate']} duplicate, {totals['rejected']} rejected"
        )
        more = len(report.problems) - _SHOWN
        report.problems = [*report.problems[:_SHOWN], *([f"… {more} more"] if more > 0 else [])]
        if totals["rejected"]:
            report.state = "partial"
    return report


async def _add_lines(
    context: Context, path: Path, source_id: str, report: Report, advance: Callable[[int], None]
) -> Counter[str]:
    """Batch after batch; while one is stored, another process reads the next. Returns the sums of all fates."""
    configured = {source.id: source for source in context.config.sources}
    common = (configured, manual_source(context, source_id), context.now)
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    async with aclosing(_read(_batches(path), common, path.name)) as batches:
        async for lines in batches:
            await asyncio.to_thread(_keep, context, report, fates, lines)
            advance(lines.read)
    return sum(fates.values(), Counter())


async def _read(
    batches: Iterator[_Batch], common: tuple[Mapping[str, Source], Source, datetime], subject: str
) -> AsyncGenerator[Lines, None]:
    """What each batch holds. The next one is read in another process meanwhile; a single one is not worth a process."""
    first, following = next(batches, []), next(batches, None)
    if following is None:
        yield read_lines(first, *common)
        return
    async with Workers(deadline=_DEADLINE) as workers:
        coming = asyncio.create_task(workers.run(read_lines, following, *common, subject=subject))
        try:
            yield await asyncio.to_thread(read_lines, first, *common)  # while the process starts
            for batch in batches:
                lines = await coming
                coming = asyncio.create_task(workers.run(read_lines, batch, *common, subject=subject))
                yield lines
            yield await coming
        finally:
            coming.cancel()
            await asyncio.wait([coming])


def _keep(context: Context, report: Report, fates: dict[str, Counter[str]], lines: Lines) -> None:
    """Store one batch and its counts by source, so far, in one transaction."""
    with context.db.write() as session:
        for name, counts in take_in_each(session, lines.prepared).items():
            fates[name].update(counts)
            fates[name]["found"] += counts.total()
        for name, refused in lines.refused.items():
            fates[name].update(found=refused, rejected=refused)
        for name, counts in fates.items():
            _count(session, report, name, counts, context.now)
    report.problems = [*report.problems, *lines.problems]


def _count(session: Session, report: Report, source_id: str, counts: Mapping[str, int], now: datetime) -> None:
    count = Count(run_id=report.run_id or 0, source_id=source_id, at=now)
    for fate in (*ledger.FATES, "found"):
        setattr(count, fate, counts.get(fate, 0))
    ledger.record(session, count)


def _batches(path: Path) -> Iterator[_Batch]:
    """The file's lines with their places, some at a time; empty lines are left out."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            lines = ((f"{path.name}:{number}", line) for number, line in enumerate(file, 1) if line.strip())
            while batch := list(islice(lines, _BATCH)):
                yield batch
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise ConfigError(
            f"{path} cannot be read: {unread(error)}", "give a UTF-8 file of JSON lines, or its .gz"
        ) from error
