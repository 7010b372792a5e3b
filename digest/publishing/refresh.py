"""Stage `refresh`: re-check works, propose errata.

`refresh`: looks again at what was published, and proposes errata: versions, withdrawals, venues, links that died.

arXiv is asked by id, other links by themselves. Without `apply` nothing that readers see is changed; with it, a
person's yes, the errata are put into their issues, each dated and named among the issue's corrections.

Asks arXiv for papers by their ids: versions, withdrawals and venues as they are now, kept in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from sqlmodel import Session

from digest.aio import run_sync
from digest.config.schema import Source
from digest.context import Context, record_run
from digest.db.issues import get_issue, load_picks, load_published_issues
from digest.db.items import load_items_by_key
from digest.db.link_checks import load_link_checks, save_link_checks
from digest.db.runs import save_source_results
from digest.drafts.checks import DeadLink
from digest.errors import ConfigError, NotFoundError, SourceError
from digest.http.retry import retry_fetch
from digest.ingest.backfill import select_arxiv_source
from digest.ingest.normalize import PreparedItem
from digest.ingest.parser import ParsedPage, parse_response
from digest.ingest.parser_process import ParserPool
from digest.ingest.store import ingest_items
from digest.ingest.writer import add_outcomes
from digest.models.issues import Issue, LinkCheck
from digest.models.items import Item
from digest.models.runs import SourceResult
from digest.protocols import Report
from digest.publishing.corrections import add_correction
from digest.publishing.errata import Erratum, find_errata
from digest.publishing.issue_view import IssueView
from digest.publishing.links import check_links, collect_work_links, load_link_report
from digest.publishing.publish import write_site
from digest.publishing.snapshot import change_facts, iterate_picks, load_issue_view, store_snapshot
from digest.sources.arxiv.api import build_ids_request

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
        known = load_link_checks(session, papers)
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
            return await workers.run(parse_response, source, response, context.now, subject=source.id)

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
        save_source_results(session, count)


def _store_papers(context: Context, count: SourceResult, page: ParsedPage, batch: Sequence[str]) -> list[str]:
    """Store a batch's papers and when they were asked for; returns the keys that were not answered."""
    answered = {one.key for one in page.items}
    with context.db.write() as session:
        add_outcomes(count, page, ingest_items(session, page.items))
        _update_venues(session, page.items)
        save_link_checks(session, [LinkCheck(url=key, status=200, at=context.now) for key in batch if key in answered])
    return [key for key in batch if key not in answered]


def _update_venues(session: Session, papers: Sequence[PreparedItem]) -> None:
    """A journal reference or a comment is added without a new version, which intake takes for no change."""
    items = load_items_by_key(session, [paper.key for paper in papers])
    for paper in papers:
        if (item := items.get(paper.key)) is not None:
            item.venue, item.comment = paper.venue or item.venue, paper.comment or item.comment
            session.add(item)


_PublishedPages = list[
    tuple[Issue, IssueView, set[str]]
]  # an issue, what readers see of it, the keys its editor renamed


def refresh_issues(
    context: Context,
    names: Sequence[str] = (),
    *,
    should_fetch: bool = True,
    apply: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Report:
    """Compare every published work with what is known of it now; `ask` asks arXiv and the links first.

    Without it their last answers count.

    `names` (periods and keys) choose among the errata. Raises NotFoundError for a name that has none to apply.
    """
    with record_run(context, "refresh") as report:
        with context.db.read() as session:
            pages = _load_published_pages(context, session)
        bad = (
            _update_facts(context, pages, report, sleep)
            if should_fetch
            else load_link_report(context, _collect_page_links(context, pages)).dead_links
        )
        with context.db.read() as session:
            found = list(_find_all_errata(context, session, pages, {link.url: link for link in bad}))
        chosen = [one for one in found if not names or one.period in names or one.key in names]
        works = len(set(_iterate_keys(pages)))
        report.numbers |= {"works": works, "errata": [_erratum_row(one) for one in chosen]}
        report.line = f"{works} published works; {len(chosen)} errata proposed"
        if apply:
            _require_known_names(names, chosen)
            _apply_errata(context, chosen, report)
    return report


def format_errata(errata: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """The errata as a person reads them: what stands there, what is so, what puts it right."""
    for erratum in errata:
        yield f"@@ {erratum['period']} {erratum['key']}"
        yield f"- {erratum['before']}"
        yield f"+ {erratum['after']}"
        yield f"  → digest refresh --apply {erratum['key']}"


def _load_published_pages(context: Context, session: Session) -> _PublishedPages:
    return [
        (
            issue,
            load_issue_view(context, session, issue),
            {item.key for pick, item in load_picks(session, issue.id) if pick.title},
        )
        for issue in load_published_issues(session)
    ]


def _iterate_keys(pages: _PublishedPages) -> Iterator[str]:
    return (pick.key for _, view, _ in pages for pick in iterate_picks(view))


def _update_facts(
    context: Context, pages: _PublishedPages, report: Report, sleep: Callable[[float], Awaitable[None]]
) -> list[DeadLink]:
    """Bring the store up to date; returns the links that are gone or moved."""
    papers = recheck_papers(context, _iterate_keys(pages), report.run_id, sleep=sleep)
    answers = check_links(context, _collect_page_links(context, pages))
    report.numbers |= {"papers": papers.paper_count, "asked": answers.request_count, "unjudged": answers.unknown_count}
    unjudged = [f"{answers.unknown_count} links could not be judged now"] if answers.unknown_count else []
    report.problems = [*papers.problems, *unjudged]
    report.state = "partial" if papers.problems else "done"
    return answers.dead_links


def _collect_page_links(context: Context, pages: _PublishedPages) -> dict[str, bool]:
    """Where the works of all issues are linked to, as `work_links` gives it."""
    with context.db.read() as session:
        items = load_items_by_key(session, sorted(set(_iterate_keys(pages))))
    shown = {pick.url: pick.key for _, view, _ in pages for pick in iterate_picks(view) if pick.key in items}
    return collect_work_links(context, [(url, items[key]) for url, key in shown.items()])


def _find_all_errata(
    context: Context, session: Session, pages: _PublishedPages, dead_links: Mapping[str, DeadLink]
) -> Iterator[Erratum]:
    items: dict[str, Item] = load_items_by_key(session, sorted(set(_iterate_keys(pages))))
    for issue, view, own in pages:
        yield from find_errata(context.config, issue, view, items, own, dead_links)


def _erratum_row(erratum: Erratum) -> dict[str, str]:
    return {name: value for name, value in asdict(erratum).items() if name != "facts"}


def _require_known_names(names: Sequence[str], chosen: Sequence[Erratum]) -> None:
    known = {name for one in chosen for name in (one.period, one.key)}
    if unknown := [name for name in names if name not in known]:
        raise NotFoundError(f"no erratum is proposed for {', '.join(unknown)}", "`digest refresh` lists them")


def _apply_errata(context: Context, chosen: Sequence[Erratum], report: Report) -> None:
    """Put the errata into their issues, then write the site."""
    by_period: dict[str, list[Erratum]] = {}
    for erratum in chosen:
        by_period.setdefault(erratum.period, []).append(erratum)
    with context.db.write() as session:
        for period, group in by_period.items():
            issue = get_issue(session, period)
            view = load_issue_view(context, session, issue)
            for erratum in group:
                change_facts(view, {erratum.key: dict(erratum.facts)})
                add_correction(context, issue, erratum.text)
            view.corrections = list(issue.corrections)
            store_snapshot(context, session, issue, view)
    numbers: dict[str, Any] = {"applied": len(chosen), "issues": len(by_period)}
    report.numbers |= numbers
    write_site(context, report, f"{len(chosen)} errata put into {len(by_period)} issues")
