"""Check published works again and propose errata.

arXiv is queried by id, other links one by one. Only with `apply`, an editor's yes, do the errata change what readers
see, each dated and listed among its issue's corrections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import partial

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
from digest.publishing.links import build_link_report, check_links, collect_work_links
from digest.publishing.publish import write_site
from digest.publishing.snapshot import change_facts, iterate_picks, load_issue_view, store_snapshot
from digest.sources.arxiv.api import build_ids_request
from digest.text import format_count, list_first_names

ID_BATCH_SIZE = 100  # ids a request
_MAX_ATTEMPTS = 3
_RECHECK_INTERVAL = timedelta(days=1)  # arXiv announces once a day and asks clients to keep its responses as long
_ARXIV_PREFIX = "arxiv:"


@dataclass(frozen=True, slots=True)
class _PublishedPage:
    """A published issue, what readers see of it, and the keys of works that its editor renamed."""

    issue: Issue
    view: IssueView
    edited_title_keys: set[str]


@dataclass(slots=True)
class _RecheckResult:
    """How many papers were requested from arXiv, and what failed."""

    paper_count: int = 0
    problems: list[str] = field(default_factory=list)


def refresh_issues(
    context: Context,
    names: Sequence[str] = (),
    *,
    should_fetch: bool = True,
    apply: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Report:
    """Compare every published work with its current metadata, which is fetched first.

    `names` (periods and keys) select errata. Raises NotFoundError for a name without an erratum to apply.
    """
    with record_run(context, "refresh") as report:
        with context.db.read() as session:
            pages = [_load_published_page(context, session, issue) for issue in load_published_issues(session)]
            keys = sorted({pick.key for page in pages for pick in iterate_picks(page.view)})
            links = _collect_page_links(context, pages, load_items_by_key(session, keys))
            dead_links = build_link_report(links, load_link_checks(session, links)).dead_links
        if should_fetch:
            dead_links = _update_facts(context, keys, links, report, sleep)
        with context.db.read() as session:
            items = load_items_by_key(session, keys)
        dead_by_url = {link.url: link for link in dead_links}
        errata = [
            erratum
            for page in pages
            for erratum in find_errata(
                context.config, page.issue, page.view, items, page.edited_title_keys, dead_by_url
            )
            if not names or erratum.period in names or erratum.key in names
        ]
        rows = [{name: value for name, value in asdict(each).items() if name != "facts"} for each in errata]
        report.numbers |= {"works": len(keys), "errata": rows}
        report.line = (
            f"{format_count(len(keys), 'published work')}; {format_count(len(errata), 'erratum', 'errata')} proposed"
        )
        if apply:
            proposed = {name for erratum in errata for name in (erratum.period, erratum.key)}
            if unknown := [name for name in names if name not in proposed]:
                raise NotFoundError(f"no erratum is proposed for {', '.join(unknown)}", "`digest refresh` lists them")
            _apply_errata(context, errata, report)
    return report


def format_errata(errata: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Format errata as a diff, each with the command that applies it."""
    for erratum in errata:
        yield f"@@ {erratum['period']} {erratum['key']}"
        yield f"- {erratum['before']}"
        yield f"+ {erratum['after']}"
        yield f"  → digest refresh --apply {erratum['key']}"


def _load_published_page(context: Context, session: Session, issue: Issue) -> _PublishedPage:
    edited = {item.key for pick, item in load_picks(session, issue.id) if pick.title}
    return _PublishedPage(issue, load_issue_view(context, session, issue), edited)


def _collect_page_links(
    context: Context, pages: Sequence[_PublishedPage], items: Mapping[str, Item]
) -> dict[str, bool]:
    urls = {pick.url: pick.key for page in pages for pick in iterate_picks(page.view) if pick.key in items}
    return collect_work_links(context, [(url, items[key]) for url, key in urls.items()])


def _update_facts(
    context: Context,
    keys: Sequence[str],
    links: Mapping[str, bool],
    report: Report,
    sleep: Callable[[float], Awaitable[None]],
) -> list[DeadLink]:
    """Update papers and link checks; returns the links that are gone or moved."""
    papers = _recheck_papers(context, keys, report.run_id, sleep)
    checked = check_links(context, links)
    report.numbers |= {
        "papers": papers.paper_count,
        "asked": checked.request_count,
        "unjudged": checked.unknown_count,
    }
    unknown = (
        [f"{format_count(checked.unknown_count, 'link')} could not be judged now"] if checked.unknown_count else []
    )
    report.problems = [*papers.problems, *unknown]
    report.state = "partial" if papers.problems else "done"
    return checked.dead_links


def _apply_errata(context: Context, errata: Sequence[Erratum], report: Report) -> None:
    """Apply errata to their issues, then write the site."""
    by_period: dict[str, list[Erratum]] = {}
    for erratum in errata:
        by_period.setdefault(erratum.period, []).append(erratum)
    with context.db.write() as session:
        for period, group in by_period.items():
            issue = get_issue(session, period)
            view = load_issue_view(context, session, issue)
            for erratum in group:
                change_facts(view, erratum.key, erratum.facts)
                add_correction(context, issue, erratum.text)
            view.corrections = list(issue.corrections)
            store_snapshot(context, session, issue, view)
    report.numbers |= {"applied": len(errata), "issues": len(by_period)}
    write_site(
        context,
        report,
        f"{format_count(len(errata), 'erratum', 'errata')} applied to {format_count(len(by_period), 'issue')}",
    )


def _recheck_papers(
    context: Context, keys: Iterable[str], run_id: int | None, sleep: Callable[[float], Awaitable[None]]
) -> _RecheckResult:
    """Update arXiv's papers among the works, except those requested within a day."""
    papers = [key for key in keys if key.startswith(_ARXIV_PREFIX)]
    with context.db.read() as session:
        requested = load_link_checks(session, papers)
    due = [key for key in papers if key not in requested or context.now - requested[key].at >= _RECHECK_INTERVAL]
    result = _RecheckResult(len(due))
    if due:
        run_sync(_request_papers(context, due, run_id, result, sleep))
    return result


async def _request_papers(
    context: Context,
    due: Sequence[str],
    run_id: int | None,
    result: _RecheckResult,
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Request papers in batches over one connection; each batch is stored before the next."""
    try:
        source = select_arxiv_source(context, "")
    except ConfigError:  # a query by id needs no configured categories
        source = Source(id="arxiv", kind="arxiv", name="arXiv", categories=("cs.CL",))
    tally = SourceResult(run_id=run_id or 0, source_id=source.id, state="ok", at=context.now)
    async with aclosing(context.make_fetcher()) as fetcher, ParserPool() as workers:

        async def request(batch: Sequence[str]) -> ParsedPage:
            tally.requests += 1
            response = await fetcher(build_ids_request(source, [key.removeprefix(_ARXIV_PREFIX) for key in batch]))
            tally.bytes += len(response.body)
            return await workers.run(parse_response, source, response, context.now, subject=source.id)

        for batch in (due[start : start + ID_BATCH_SIZE] for start in range(0, len(due), ID_BATCH_SIZE)):
            try:
                page = await retry_fetch(partial(request, batch), attempts=_MAX_ATTEMPTS, sleep=sleep)
            except SourceError as error:
                tally.state, tally.error = "partial" if tally.found else "failed", error.message
                result.problems.append(f"arXiv could not be asked: {error.message}")
                break
            missing = await asyncio.to_thread(_store_papers, context, tally, page, batch)
            if missing:
                count = f"{len(missing)} papers: " if len(missing) > 1 else ""
                result.problems.append(f"arXiv gave no answer for {count}{list_first_names(missing)}")
    with context.db.write() as session:
        save_source_results(session, tally)


def _store_papers(context: Context, tally: SourceResult, page: ParsedPage, batch: Sequence[str]) -> list[str]:
    """Store a batch's papers and the time of their request; returns the keys that arXiv left out."""
    papers = {paper.key: paper for paper in page.items}
    with context.db.write() as session:
        add_outcomes(tally, page, ingest_items(session, page.items))
        # A journal reference or a comment comes without a new version, so ingestion sees no revision.
        for key, item in load_items_by_key(session, list(papers)).items():
            item.venue, item.comment = papers[key].venue or item.venue, papers[key].comment or item.comment
            session.add(item)
        save_link_checks(session, [LinkCheck(url=key, status=200, at=context.now) for key in batch if key in papers])
    return [key for key in batch if key not in papers]
