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
from digest.fetch.patience import patiently
from digest.fetch.worker import Workers
from digest.intake import Prepared
from digest.models import Count, LinkCheck
from digest.pipeline.backfill import arxiv_source
from digest.pipeline.context import Context
from digest.pipeline.intake import take_in
from digest.pipeline.keeping import tally
from digest.pipeline.reading import Reading, plain, read
from digest.pipeline.waiting import wait_for
from digest.sources import ids_request
from digest.store import items as item_store
from digest.store import ledger
from digest.store import links as link_store

BATCH = 100  # ids a request
_ATTEMPTS = 3
_GOOD_FOR = timedelta(days=1)  # arXiv announces once a day and asks that its answers be kept as long
_PREFIX = "arxiv:"


@dataclass(slots=True)
class Rechecked:
    """How many papers arXiv was asked for, and what it did not answer."""

    asked: int = 0
    problems: list[str] = field(default_factory=list)


def recheck(
    context: Context,
    keys: Iterable[str],
    run_id: int | None,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Rechecked:
    """Bring arXiv's papers among the works up to date; those asked for within a day are left in peace."""
    papers = sorted({key for key in keys if key.startswith(_PREFIX)})
    with context.db.read() as session:
        known = link_store.known(session, papers)
    due = [key for key in papers if key not in known or context.now - known[key].at >= _GOOD_FOR]
    told = Rechecked(len(due))
    if due:
        wait_for(_ask(context, _source(context), due, run_id, told, sleep))
    return told


def _source(context: Context) -> Source:
    """The configured arXiv source, else a stand-in; an id query needs no categories of ours."""
    try:
        return arxiv_source(context, "")
    except ConfigError:
        return Source(id="arxiv", kind="arxiv", name="arXiv", categories=("cs.CL",))


async def _ask(
    context: Context,
    source: Source,
    due: Sequence[str],
    run_id: int | None,
    told: Rechecked,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Batch after batch over one connection; each is stored before the next is asked for."""
    count = Count(run_id=run_id or 0, source_id=source.id, state="ok", at=context.now)
    async with aclosing(context.make_fetcher()) as fetcher, Workers() as workers:

        async def answer(batch: Sequence[str]) -> Reading:
            count.requests += 1
            response = await fetcher(ids_request(source, [key.removeprefix(_PREFIX) for key in batch]))
            count.bytes += len(response.body)
            return await workers.run(read, plain(source), response, context.now, subject=source.id)

        for batch in (due[at : at + BATCH] for at in range(0, len(due), BATCH)):
            try:
                reading = await patiently(partial(answer, batch), attempts=_ATTEMPTS, sleep=sleep)
            except SourceError as error:
                count.state, count.error = "partial" if count.found else "failed", error.message
                told.problems.append(f"arXiv could not be asked: {error.message}")
                break
            missing = await asyncio.to_thread(_keep, context, count, reading, batch)
            if missing:
                told.problems.append(f"arXiv gave no answer for {', '.join(missing)}")
    with context.db.write() as session:
        ledger.record(session, count)


def _keep(context: Context, count: Count, reading: Reading, batch: Sequence[str]) -> list[str]:
    """Store a batch's papers and when they were asked for; returns the keys that were not answered."""
    answered = {one.key for one in reading.prepared}
    with context.db.write() as session:
        tally(count, reading, take_in(session, reading.prepared))
        _appeared(session, reading.prepared)
        link_store.keep(session, [LinkCheck(url=key, status=200, at=context.now) for key in batch if key in answered])
    return [key for key in batch if key not in answered]


def _appeared(session: Session, papers: Sequence[Prepared]) -> None:
    """A journal reference or a comment is added without a new version, which intake takes for no change."""
    items = item_store.by_keys(session, [paper.key for paper in papers])
    for paper in papers:
        if (item := items.get(paper.key)) is not None:
            item.venue, item.comment = paper.venue or item.venue, paper.comment or item.comment
            session.add(item)
