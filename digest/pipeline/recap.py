"""`recap`: a year, quarter or range in review, drafted from the published picks themselves: a query, not a summary."""

from __future__ import annotations

from typing import Literal, cast

from sqlmodel import Session

from digest.config import Config
from digest.errors import ConfigError, Refused
from digest.issues import Sheet, SheetPick, SheetSection
from digest.models import Item, Pick
from digest.periods import Period
from digest.pipeline.blurbs import Blurbs
from digest.pipeline.context import Context, recorded
from digest.pipeline.draft import may_be_drafted, write
from digest.pipeline.propose import Proposal, facts
from digest.ports import Report
from digest.render.words import words
from digest.store import issues as issue_store

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
            sheet = _sheet(context, session, period, form)
        write(context, period, Proposal(sheet, Blurbs()), report)
    return report


def _sheet(context: Context, session: Session, period: Period, form: str) -> Sheet:
    config = context.config
    rows = picks_of(session, period)
    if not rows:
        raise Refused(f"no issue of {period} is published", "publish its months first, or import them")
    by_category: dict[str, list[SheetPick]] = {}
    for pick, item in sorted(rows, key=lambda row: (row[1].published or context.now, row[1].key)):
        by_category.setdefault(pick.category, []).append(_carried(config, pick, item))
    titles = {category.slug: category.title for category in config.taxonomy.categories}
    order = [slug for slug in titles if slug in by_category] + [slug for slug in by_category if slug not in titles]
    return Sheet(
        period=period.name,
        title=f"{config.newsletter.title}: {words(config.newsletter.language).period(period.name)} in review",
        date=period.end(context.zone),
        form=cast(Form, form),
        sections=tuple(SheetSection(slug, titles.get(slug, slug), entries=tuple(by_category[slug])) for slug in order),
    )


def picks_of(session: Session, period: Period) -> list[tuple[Pick, Item]]:
    """The picks of the period's published monthly issues, each work once, as it was published last."""
    months = {month.name for month in period.months()}
    found: dict[int, tuple[Pick, Item]] = {}
    for issue in issue_store.published(session):
        if issue.period in months:
            found.update({pick.item_id: (pick, item) for pick, item in issue_store.picks(session, issue.id or 0)})
    return list(found.values())


def _carried(config: Config, pick: Pick, item: Item) -> SheetPick:
    """A published pick as it stands, whoever wrote its words."""
    source = config.source(item.source_id)
    quoted = source.quoted_from if source else "source"
    return SheetPick(
        key=item.key,
        title=pick.title or item.title,
        url=item.url,
        facts=facts(config, item, None),
        blurb=pick.blurb,
        origin=cast(Origin, pick.origin),
        engine=pick.engine or (quoted if pick.origin == "source" else ""),
        highlight=None,
        note=pick.note,
        update_of=pick.update_of,
    )
