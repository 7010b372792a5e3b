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
from digest.pipeline.context import Context, recorded
from digest.pipeline.corrections import note
from digest.pipeline.errata import Erratum, errata
from digest.pipeline.links import check_links, known_links, work_links
from digest.pipeline.publish import write_site
from digest.pipeline.recheck import recheck
from digest.ports import IssueView, Report
from digest.store import issues as issue_store
from digest.store import items as item_store

_Pages = list[tuple[Issue, IssueView, set[str]]]  # an issue, what readers see of it, the keys its editor renamed


def refresh(
    context: Context,
    names: Sequence[str] = (),
    *,
    ask: bool = True,
    apply: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Report:
    """Compare every published work with what is known of it now; `ask` asks arXiv and the links first.

    Without it their last answers count.

    `names` (periods and keys) choose among the errata. Raises NotFoundError for a name that has none to apply.
    """
    with recorded(context, "refresh") as report:
        with context.db.read() as session:
            pages = _pages(context, session)
        bad = _ask(context, pages, report, sleep) if ask else known_links(context, _links(context, pages)).bad
        with context.db.read() as session:
            found = list(_errata(context, session, pages, {link.url: link for link in bad}))
        chosen = [one for one in found if not names or one.period in names or one.key in names]
        works = len(set(_keys(pages)))
        report.numbers |= {"works": works, "errata": [_told(one) for one in chosen]}
        report.line = f"{works} published works; {len(chosen)} errata proposed"
        if apply:
            _must_know(names, chosen)
            _apply(context, chosen, report)
    return report


def as_diff(told: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """The errata as a person reads them: what stands there, what is so, what puts it right."""
    for erratum in told:
        yield f"@@ {erratum['period']} {erratum['key']}"
        yield f"- {erratum['before']}"
        yield f"+ {erratum['after']}"
        yield f"  → digest refresh --apply {erratum['key']}"


def _pages(context: Context, session: Session) -> _Pages:
    return [
        (
            issue,
            frozen.seen(context, session, issue),
            {item.key for pick, item in issue_store.picks(session, issue.id or 0) if pick.title},
        )
        for issue in issue_store.published(session)
    ]


def _keys(pages: _Pages) -> Iterator[str]:
    return (pick.key for _, view, _ in pages for pick in frozen.every_pick(view))


def _ask(context: Context, pages: _Pages, report: Report, sleep: Callable[[float], Awaitable[None]]) -> list[DeadLink]:
    """Bring the store up to date; returns the links that are gone or moved."""
    papers = recheck(context, _keys(pages), report.run_id, sleep=sleep)
    answers = check_links(context, _links(context, pages))
    report.numbers |= {"papers": papers.asked, "asked": answers.asked, "unjudged": answers.unjudged}
    unjudged = [f"{answers.unjudged} links could not be judged now"] if answers.unjudged else []
    report.problems = [*papers.problems, *unjudged]
    report.state = "partial" if papers.problems else "done"
    return answers.bad


def _links(context: Context, pages: _Pages) -> dict[str, bool]:
    """Where the works of all issues are linked to, as `work_links` gives it."""
    with context.db.read() as session:
        items = item_store.by_keys(session, sorted(set(_keys(pages))))
    shown = {pick.url: pick.key for _, view, _ in pages for pick in frozen.every_pick(view) if pick.key in items}
    return work_links(context, [(url, items[key]) for url, key in shown.items()])


def _errata(context: Context, session: Session, pages: _Pages, bad: Mapping[str, DeadLink]) -> Iterator[Erratum]:
    items: dict[str, Item] = item_store.by_keys(session, sorted(set(_keys(pages))))
    for issue, view, own in pages:
        yield from errata(context.config, issue, view, items, own, bad)


def _told(erratum: Erratum) -> dict[str, str]:
    return {name: value for name, value in asdict(erratum).items() if name != "facts"}


def _must_know(names: Sequence[str], chosen: Sequence[Erratum]) -> None:
    known = {name for one in chosen for name in (one.period, one.key)}
    if unknown := [name for name in names if name not in known]:
        raise NotFoundError(f"no erratum is proposed for {', '.join(unknown)}", "`digest refresh` lists them")


def _apply(context: Context, chosen: Sequence[Erratum], report: Report) -> None:
    """Put the errata into their issues, then write the site."""
    by_period: dict[str, list[Erratum]] = {}
    for erratum in chosen:
        by_period.setdefault(erratum.period, []).append(erratum)
    with context.db.write() as session:
        for period, group in by_period.items():
            issue = issue_store.existing(session, period)
            view = frozen.seen(context, session, issue)
            for erratum in group:
                frozen.change(view, {erratum.key: dict(erratum.facts)})
                note(context, issue, erratum.text)
            view.corrections = list(issue.corrections)
            frozen.keep(context, session, issue, view)
    numbers: dict[str, Any] = {"applied": len(chosen), "issues": len(by_period)}
    report.numbers |= numbers
    write_site(context, report, f"{len(chosen)} errata put into {len(by_period)} issues")
