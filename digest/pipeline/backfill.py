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
from digest.fetch.worker import Workers
from digest.models import Count
from digest.periods import Period
from digest.pipeline.context import Context, recorded
from digest.pipeline.fetch import chosen
from digest.pipeline.keeping import Keeper
from digest.pipeline.months import Month
from digest.pipeline.visit import Tools
from digest.ports import Report
from digest.store import ledger
from digest.store.leases import alone


async def backfill(
    context: Context, period: Period, name: str = "", *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Report:
    """Fetch what was first submitted to arXiv in the months of `period`, with the categories of a source.

    `name` is an arXiv source, by default the first one. May be stopped and killed at any moment: the next call goes on
    after the last stored page. Days that cannot be had are in the report, which is then partial or failed.
    """
    source = arxiv_source(context, name)
    with alone(context.db, f"backfill:{source.id}", context.now) as only:
        if not only:
            raise StoreError(f"another process is filling {source.id}", "wait for it, or stop it")
        with recorded(context, "backfill", period.name) as report:
            async with aclosing(context.make_fetcher()) as fetcher, Workers() as workers, Keeper(context.db) as keeper:
                tools = Tools(context, fetcher, workers, keeper, report.run_id or 0, sleep)
                await _fill(tools, source, period, report)
    return report


def arxiv_source(context: Context, name: str) -> Source:
    """The named source, or the first of an arXiv kind, as one of the query API. Raises ConfigError, NotFoundError."""
    offered = chosen(context.config, [name]) if name else list(context.config.sources)
    for source in offered:
        if source.kind == "arxiv":
            return source
        if source.kind.startswith("arxiv"):
            return source.model_copy(update={"kind": "arxiv", "url": None})
    subject = f"the source {name!r} is no arXiv source" if name else "sources.yaml has no arXiv source"
    raise ConfigError(subject, "backfill works for sources of kind 'arxiv'")


async def _fill(tools: Tools, source: Source, period: Period, report: Report) -> None:
    context = tools.context
    count = Count(run_id=tools.run_id, source_id=source.id, state="partial", at=context.now)
    spans = [span for span in period.months() if span.start() < context.now]
    months = [Month(tools, source, span, count) for span in spans]
    with context.progress.task(f"backfill {source.id}", sum((s.end() - s.start()).days for s in spans)) as step:
        for month in months:
            await month.fill(step)
            if month.gave_up:  # the others would only ask a server that is down, or does not want us
                break
    _summarise(report, count, months, period)
    with context.db.write() as session:
        ledger.record(session, count)


def _summarise(report: Report, count: Count, months: Sequence[Month], period: Period) -> None:
    report.problems = [problem for month in months for problem in month.problems]
    papers = sum(month.papers for month in months)
    report.state = "done" if not report.problems else "partial" if papers else "failed"
    count.state = {"done": "ok"}.get(report.state, report.state)
    count.error = report.problems[0] if report.problems else None
    report.numbers = {"papers": papers, "requests": count.requests, "bytes": count.bytes}
    report.numbers |= {word: getattr(count, word) for word in ("found", *ledger.FATES)}
    report.line = f"{period.name}, {papers} papers of {count.source_id}, {count.new} of them new"
    if report.problems:
        report.line += f"; incomplete: {report.problems[-1]}"
