"""`recap`: a year, quarter or range in review, drafted from the published picks themselves: a query, not a summary."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal, cast

from sqlmodel import Session

from digest import issues
from digest.config import Config
from digest.errors import ConfigError, Refused
from digest.issues import Figures, PastPick, SheetNote, SheetPick
from digest.models import Item, Pick
from digest.periods import Period
from digest.pipeline.blurbs import Blurbs
from digest.pipeline.context import Context, recorded
from digest.pipeline.draft import may_be_drafted, write
from digest.pipeline.propose import Proposal, facts
from digest.ports import Report
from digest.render.words import words
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import notes as note_store

FORMS = ("category", "month", "both")
Form = Literal["category", "month", "both"]
Origin = Literal["source", "model", "editor"]


def recap(context: Context, period: Period, form: str = "both") -> Report:
    """Draft the review of a period longer than a month from its published issues; merged like any other draft."""
    if period.kind == "monthly":
        raise ConfigError(f"{period} is one month", "a recap takes 2025, 2025-Q3 or 2025-03..2025-07")
    if form not in FORMS:
        raise ConfigError(f"--by {form!r} is unknown", f"allowed: {', '.join(FORMS)}")
    with recorded(context, "recap", period.name) as report:
        with context.db.read() as session:
            may_be_drafted(session, period)
            proposal = _proposal(context, session, period, cast(Form, form))
        write(context, period, proposal, report)
    return report


def _proposal(context: Context, session: Session, period: Period, form: Form) -> Proposal:
    config = context.config
    past = past_picks(context, session, period)
    if not past:
        raise Refused(f"no issue of {period} is published", "publish its months first, or import them")
    named = words(config.newsletter.language)
    sheet = issues.recap_sheet(
        period.name,
        f"{config.newsletter.title}: {named('in_review', period=named.period(period.name))}",
        period.end(context.zone),
        past,
        {category.slug: category.title for category in config.taxonomy.categories},
        {month.name: named.period(month.name) for month in period.months()},
        form=form,
        notes=[SheetNote(n.id or 0, n.text, cast(Any, n.outcome)) for n in note_store.of_year(session, period.last[0])]
        if period.kind == "yearly"
        else (),
    )
    return Proposal(sheet, Blurbs(), _numbers(issues.figures(past, _read(context, session, period))))


def past_picks(context: Context, session: Session, period: Period) -> list[PastPick]:
    """Every pick of the period's published monthly issues."""
    months = {month.name for month in period.months()}
    out = []
    for issue in issue_store.published(session):
        if issue.period not in months:
            continue
        rows = issue_store.picks(session, issue.id or 0)
        counts = item_store.mention_counts(session, [item.id or 0 for _, item in rows])
        out += [_past(context.config, pick, item, issue.period, counts.get(item.id or 0, 1)) for pick, item in rows]
    return out


def _past(config: Config, pick: Pick, item: Item, month: str, mentions: int) -> PastPick:
    source = config.source(item.source_id)
    quoted = source.quoted_from if source else "source"
    carried = SheetPick(
        key=item.key,
        title=pick.title or item.title,
        url=item.url,
        facts=facts(config, item, None),
        blurb=pick.blurb,
        origin=cast(Origin, pick.origin),
        engine=pick.engine or (quoted if pick.origin == "source" else ""),
        highlight=pick.highlight,
        note=pick.note,
        update_of=pick.update_of,
    )
    return PastPick(
        carried,
        pick.category,
        month,
        published=item.published.date() if item.published else None,
        mentions=mentions,
        source=source.label if source else item.source_id,
        withdrawn=item.withdrawn.date() if item.withdrawn else None,
    )


def _read(context: Context, session: Session, period: Period) -> dict[str, int]:
    return {
        month.name: sum(item_store.read_counts(session, month.start(context.zone), month.end(context.zone)).values())
        for month in period.months()
    }


def _numbers(found: Figures) -> dict[str, Any]:
    """The figures as the issue keeps them; what is read and kept in all is counted like any issue's."""
    told = asdict(found)
    return {name: told[name] for name in ("months", "categories", "most_mentioned", "first", "last", "rose", "fell")}
