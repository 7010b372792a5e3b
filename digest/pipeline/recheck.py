"""Asks arXiv for papers by their ids: versions, withdrawals and venues as they are now, kept in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from sqlmodel import Session

from digest.config import Source
from digest.errors import ConfigError, SourceError
from digest.fetch.patience import retry_fetch
from digest.fetch.worker import ParserPool
from digest.intake import PreparedItem
from digest.models import LinkCheck, SourceResult
from digest.pipeline.backfill import select_arxiv_source
from digest.pipeline.context import Context
from digest.pipeline.intake import ingest_items
from digest.pipeline.keeping import add_outcomes
from digest.pipeline.reading import ParsedPage, parse_response, to_plain_source
from digest.pipeline.waiting import run_sync
from digest.sources import build_ids_request
from digest.store import items as item_store
from digest.store import ledger
from digest.store import links as link_store

ID_BATCH_SIZE = 100  # ids a request
_MAX_ATTEMPTS = 3
_RECHECK_INTERVAL = timedelta(days=1)  # arXiv announces once a day and asks that its answers be kept as long
_ARXIV_PREFIX = "arxiv:"


@dataclass(slots=True)
class RecheckResult:
    """How many papers arXiv was asked for, and what it did not answer."""

    paper_count: int = 0
    problems: list[str] = field(default_factory=list)


def recheck_papers(
    context: Context,
    keys: Iterable[str],
    run_id: int | None,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> RecheckResult:
    """Bring arXiv's papers among the works up to date; those asked for within a day are left in peace."""
    papers = sorted({key for key in keys if key.startswith(_ARXIV_PREFIX)})
    with context.db.read() as session:
        known = link_store.load_link_checks(session, papers)
    due = [key for key in papers if key not in known or context.now - known[key].at >= _RECHECK_INTERVAL]
    told = RecheckResult(len(due))
    if due:
        run_sync(_request_papers(context, _choose_arxiv_source(context), due, run_id, told, sleep))
    return told


def _choose_arxiv_source(context: Context) -> Source:
    """The configured arXiv source, else a stand-in; an id query needs no categories of ours."""
    try:
        return select_arxiv_source(context, "")
    except ConfigError:
        return Source(id="arxiv", kind="arxiv", name="arXiv", categories=("cs.CL",))


async def _request_papers(
    context: Context,
    source: Source,
    due: Sequence[str],
    run_id: int | None,
    result: RecheckResult,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Batch after batch over one connection; each is stored before the next is asked for."""
    count = SourceResult(run_id=run_id or 0, source_id=source.id, state="ok", at=context.now)
    async with aclosing(context.make_fetcher()) as fetcher, ParserPool() as workers:

        async def answer(batch: Sequence[str]) -> ParsedPage:
            count.requests += 1
            response = await fetcher(build_ids_request(source, [key.removeprefix(_ARXIV_PREFIX) for key in batch]))
            count.bytes += len(response.body)
            return await workers.run(parse_response, to_plain_source(source), response, context.now, subject=source.id)

        for batch in (due[at : at + ID_BATCH_SIZE] for at in range(0, len(due), ID_BATCH_SIZE)):
            try:
                reading = await retry_fetch(partial(answer, batch), attempts=_MAX_ATTEMPTS, sleep=sleep)
            except SourceError as error:
                count.state, count.error = "partial" if count.found else "failed", error.message
                result.problems.append(f"arXiv could not be asked: {error.message}")
                break
            missing = await asyncio.to_thread(_store_papers, context, count, reading, batch)
            if missing:
                result.problems.append(f"arXiv gave no answer for {', '.join(missing)}")
    with context.db.write() as session:
        ledger.save_source_results(session, count)


def _store_papers(context: Context, count: SourceResult, page: ParsedPage, batch: Sequence[str]) -> list[str]:
    """Store a batch's papers and when they were asked for; returns the keys that were not answered."""
    answered = {one.key for one in page.items}
    with context.db.write() as session:
        add_outcomes(count, page, ingest_items(session, page.items))
        _update_venues(session, page.items)
        link_store.save_link_checks(
            session, [LinkCheck(url=key, status=200, at=context.now) for key in batch if key in answered]
        )
    return [key for key in batch if key not in answered]


def _update_venues(session: Session, papers: Sequence[PreparedItem]) -> None:
    """A journal reference or a comment is added without a new version, which intake takes for no change."""
    items = item_store.load_items_by_key(session, [paper.key for paper in papers])
    for paper in papers:
        if (item := items.get(paper.key)) is not None:
            item.venue, item.comment = paper.venue or item.venue, paper.comment or item.comment
            session.add(item)
