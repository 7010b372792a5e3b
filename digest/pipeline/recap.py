"""`recap`: a year, quarter or range in review, drafted from the published picks themselves: a query, not a summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal, cast

from sqlmodel import Session

from digest import issues
from digest.errors import ConfigError, Refused
from digest.issues import Figures, PastPick, SheetCandidate, SheetNote
from digest.periods import Period
from digest.pipeline.blurbs import Blurbs
from digest.pipeline.context import Context, recorded
from digest.pipeline.draft import may_be_drafted, read_counts, write
from digest.pipeline.gists import Gists, write_gists
from digest.pipeline.past import months_to_rank, past_picks
from digest.pipeline.propose import Proposal, facts
from digest.pipeline.rank import rank
from digest.ports import Report
from digest.render.words import words
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import notes as note_store

FORMS = ("category", "month", "both")
Form = Literal["category", "month", "both"]
_KEPT = ("months", "categories", "most_mentioned", "first", "last", "rose", "fell", "unpublished")
_NAMED = 3  # sources that name a work, its own among them, before a review owns to have missed it


def recap(
    context: Context, period: Period, form: str = "", *, max_usd: float | None = None, dry_run: bool = False
) -> Report:
    """Draft the review of a period longer than a month from its issues; merged like any other draft.

    Without a `form` it keeps the one it has, at first "both". A model, where there is one, is asked for a sentence on
    each month, and may cost `max_usd`.
    """
    if period.kind == "monthly":
        raise ConfigError(f"{period} is one month", "a recap takes 2025, 2025-Q3 or 2025-03..2025-07")
    if form and form not in FORMS:
        raise ConfigError(f"--by {form!r} is unknown", f"allowed: {', '.join(FORMS)}")
    with recorded(context, "recap", period.name) as report:
        with context.db.read() as session:
            may_be_drafted(session, period)
            begun = issue_store.find(session, period.name)
            form = form or (begun.form if begun else "both")
            unranked = months_to_rank(session, period)
        ranked = [month.name for month in unranked if rank(context, month).numbers["candidates"]]
        with context.db.read() as session:
            past = _past(context, session, period)
        gists = (
            write_gists(context, period, past, report.run_id, max_usd)
            if form != "category" and not dry_run
            else Gists()
        )
        with context.db.read() as session:
            proposal = _proposal(context, session, period, cast(Form, form), past, gists)
        write(context, period, proposal, report, max_usd=max_usd, dry_run=dry_run)
        if months := proposal.numbers["unpublished"]:
            report.line += f"; never published, taken from the ranking: {', '.join(months)}"
        if ranked:
            report.line += f"; ranked for it just now: {', '.join(ranked)}"
        if empty := [name for name, row in proposal.numbers["months"].items() if not row["kept"]]:
            report.line += f"; no work of {', '.join(empty)}"
        if gists.line:
            report.line += f"; {gists.line}"
        report.problems = [*report.problems, *gists.problems]
        if gists.down:
            report.state = "partial"
    return report


def _past(context: Context, session: Session, period: Period) -> list[PastPick]:
    past = past_picks(context, session, period)
    if not past:
        raise Refused(
            f"nothing of {period} was published, imported or ranked",
            "publish or import its months, or `digest rank` them",
        )
    return past


def _proposal(
    context: Context, session: Session, period: Period, form: Form, past: Sequence[PastPick], gists: Gists
) -> Proposal:
    config = context.config
    named = words(config.newsletter.language)
    sheet = issues.recap_sheet(
        period.name,
        f"{config.newsletter.title}: {named('in_review', period=named.period(period.name))}",
        period.end(context.zone),
        past,
        {category.slug: category.title for category in config.taxonomy.categories},
        {month.name: named.period(month.name) for month in period.months()},
        form=form,
        words=named,
        gists=gists.sentences,
        missed=_missed(context, session, period, past),
        notes=[SheetNote(n.id or 0, n.text, cast(Any, n.outcome)) for n in note_store.of_year(session, period.last[0])]
        if period.kind == "yearly"
        else (),
    )
    return Proposal(sheet, Blurbs(), _numbers(issues.figures(past, _read(context, session, period))))


def _missed(context: Context, session: Session, period: Period, past: Sequence[PastPick]) -> list[SheetCandidate]:
    """Works that several sources named and that stand in no issue of any month; all ticked, the editor decides."""
    start, end = period.start(context.zone), period.end(context.zone)
    named = item_store.much_mentioned(session, start, end, _NAMED)
    covered = item_store.by_ids(session, issue_store.covered(session, period.name)).values()
    keys = issues.missed(named, [*(one.pick.key for one in past), *(item.key for item in covered)], least=_NAMED)
    items = item_store.by_keys(session, keys)
    return [
        SheetCandidate(
            key,
            items[key].title,
            items[key].url,
            facts(context.config, items[key], None),
            mentions=named[key],
            mark="x",
        )
        for key in keys
    ]


def _read(context: Context, session: Session, period: Period) -> dict[str, int]:
    return {month.name: sum(read_counts(context, session, month).values()) for month in period.months()}


def _numbers(found: Figures) -> dict[str, Any]:
    """The figures as the issue keeps them; what is read and kept in all is counted like any issue's."""
    told = asdict(found)
    return {name: told[name] for name in _KEPT}
