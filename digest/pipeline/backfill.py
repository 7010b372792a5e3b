"""Past months from arXiv: a window for each day, page by page, each page stored with its checkpoint, totals verified.

arXiv answers a window with nothing, HTML, a short page or another total now and then, so nothing it says is believed
until a day's papers are as many as its total, and the days of a month no fewer than the month's.
The `arxiv` package is not used here: it takes such answers for "0 papers", stops at 100 results unless told
otherwise, ignores Retry-After, and its pauses hold within one object, not between processes (arxiv.py 4.0.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from digest.config import Source
from digest.errors import ConfigError, StoreError
from digest.fetch.worker import ParserPool
from digest.models import SourceResult
from digest.periods import Period
from digest.pipeline.context import Context, record_run
from digest.pipeline.fetch import select_sources
from digest.pipeline.keeping import BatchWriter
from digest.pipeline.months import MonthBackfill
from digest.pipeline.visit import FetchServices
from digest.ports import Report
from digest.store import ledger
from digest.store.leases import claim_work


async def backfill_arxiv(
    context: Context, period: Period, source_id: str = "", *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Report:
    """Fetch what was first submitted to arXiv in the months of `period`, with the categories of a source.

    `name` is an arXiv source, by default the first one. May be stopped and killed at any moment: the next call goes on
    after the last stored page. Days that cannot be had are in the report, which is then partial or failed.
    """
    source = select_arxiv_source(context, source_id)
    with claim_work(context.db, f"backfill:{source.id}", context.now) as only:
        if not only:
            raise StoreError(f"another process is filling {source.id}", "wait for it, or stop it")
        with record_run(context, "backfill", period.name) as report:
            async with (
                aclosing(context.make_fetcher()) as fetcher,
                ParserPool() as workers,
                BatchWriter(context.db) as keeper,
            ):
                tools = FetchServices(context, fetcher, workers, keeper, report.run_id or 0, sleep)
                await _backfill_period(tools, source, period, report)
    return report


def select_arxiv_source(context: Context, source_id: str) -> Source:
    """The named source, or the first of an arXiv kind, as one of the query API. Raises ConfigError, NotFoundError."""
    offered = select_sources(context.config, [source_id]) if source_id else list(context.config.sources)
    for source in offered:
        if source.kind == "arxiv":
            return source
        if source.kind.startswith("arxiv"):
            return source.model_copy(update={"kind": "arxiv", "url": None})
    subject = f"the source {source_id!r} is no arXiv source" if source_id else "sources.yaml has no arXiv source"
    raise ConfigError(subject, "backfill works for sources of kind 'arxiv'")


async def _backfill_period(services: FetchServices, source: Source, period: Period, report: Report) -> None:
    context = services.context
    count = SourceResult(run_id=services.run_id, source_id=source.id, state="partial", at=context.now)
    spans = [span for span in period.months() if span.start() < context.now]
    months = [MonthBackfill(services, source, span, count) for span in spans]
    with context.progress.task(f"backfill {source.id}", sum((s.end() - s.start()).days for s in spans)) as step:
        for month in months:
            await month.run(step)
            if month.has_given_up:  # the others would only ask a server that is down, or does not want us
                break
    _summarise_backfill(report, count, months, period)
    with context.db.write() as session:
        ledger.save_source_results(session, count)


def _summarise_backfill(
    report: Report, source_result: SourceResult, months: Sequence[MonthBackfill], period: Period
) -> None:
    report.problems = [problem for month in months for problem in month.problems]
    papers = sum(month.paper_count for month in months)
    report.state = "done" if not report.problems else "partial" if papers else "failed"
    source_result.state = {"done": "ok"}.get(report.state, report.state)
    source_result.error = report.problems[0] if report.problems else None
    report.numbers = {"papers": papers, "requests": source_result.requests, "bytes": source_result.bytes}
    report.numbers |= {word: getattr(source_result, word) for word in ("found", *ledger.OUTCOMES)}
    report.line = f"{period.name}, {papers} papers of {source_result.source_id}, {source_result.new} of them new"
    if report.problems:
        report.line += f"; incomplete: {report.problems[-1]}"
