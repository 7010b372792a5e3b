"""`refresh`: looks again at what was published, and proposes errata: versions, withdrawals, venues, links that died.

arXiv is asked by id, other links by themselves. Without `apply` nothing that readers see is changed; with it, a
person's yes, the errata are put into their issues, each dated and named among the issue's corrections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlmodel import Session

from digest.errors import NotFoundError
from digest.issues import DeadLink
from digest.models import Issue, Item
from digest.pipeline import frozen
from digest.pipeline.context import Context, record_run
from digest.pipeline.corrections import add_correction
from digest.pipeline.errata import Erratum, find_errata
from digest.pipeline.links import check_links, collect_work_links, load_link_report
from digest.pipeline.publish import write_site
from digest.pipeline.recheck import recheck_papers
from digest.ports import IssueView, Report
from digest.store import issues as issue_store
from digest.store import items as item_store

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
            frozen.load_issue_view(context, session, issue),
            {item.key for pick, item in issue_store.load_picks(session, issue.id or 0) if pick.title},
        )
        for issue in issue_store.load_published_issues(session)
    ]


def _iterate_keys(pages: _PublishedPages) -> Iterator[str]:
    return (pick.key for _, view, _ in pages for pick in frozen.iterate_picks(view))


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
        items = item_store.load_items_by_key(session, sorted(set(_iterate_keys(pages))))
    shown = {pick.url: pick.key for _, view, _ in pages for pick in frozen.iterate_picks(view) if pick.key in items}
    return collect_work_links(context, [(url, items[key]) for url, key in shown.items()])


def _find_all_errata(
    context: Context, session: Session, pages: _PublishedPages, dead_links: Mapping[str, DeadLink]
) -> Iterator[Erratum]:
    items: dict[str, Item] = item_store.load_items_by_key(session, sorted(set(_iterate_keys(pages))))
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
            issue = issue_store.get_issue(session, period)
            view = frozen.load_issue_view(context, session, issue)
            for erratum in group:
                frozen.change_facts(view, {erratum.key: dict(erratum.facts)})
                add_correction(context, issue, erratum.text)
            view.corrections = list(issue.corrections)
            frozen.store_snapshot(context, session, issue, view)
    numbers: dict[str, Any] = {"applied": len(chosen), "issues": len(by_period)}
    report.numbers |= numbers
    write_site(context, report, f"{len(chosen)} errata put into {len(by_period)} issues")
