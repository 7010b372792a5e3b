"""Gathers what the gates look at: the sheet, and what the store and the ledger know of it."""

from __future__ import annotations

from sqlmodel import Session

from digest import issues
from digest.issues import GateProblem, IssueFacts, Sheet
from digest.models import Pick
from digest.periods import Period
from digest.pipeline.context import Context
from digest.pipeline.fetch import silences
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import sources as source_store


def problems(
    context: Context, period: Period, sheet: Sheet, *, sign: bool = False, accept_gaps: bool = False
) -> list[GateProblem]:
    """Everything that stands in the way of the issue; empty when it may go out."""
    taxonomy = context.config.taxonomy
    keys = [pick.key for _, pick in sheet.picks()]
    with context.db.read() as session:
        found = item_store.by_keys(session, keys)
        facts = IssueFacts(
            sheet=sheet,
            signed=keys if sign else _signed(session, period, sheet),
            withdrawn={key: item.withdrawn.date() for key, item in found.items() if item.withdrawn},
            gaps=gaps(context, session),
            categories=taxonomy.slugs if period.kind == "monthly" else (),
            quotas={category.slug: category.quota for category in taxonomy.categories},
            gaps_accepted=accept_gaps or period.kind != "monthly",
        )
    return issues.check(facts)


def _signed(session: Session, period: Period, sheet: Sheet) -> set[str]:
    """The picks whose flagged words a person has signed, while the words are still those."""
    issue = issue_store.find(session, period.name)
    if issue is None:
        return set()
    rows: list[tuple[Pick, str]] = [(pick, item.key) for pick, item in issue_store.picks(session, issue.id or 0)]
    words = {pick.key: pick.blurb for _, pick in sheet.picks()}
    return {key for pick, key in rows if pick.signed_by and words.get(key) == pick.blurb}


def gaps(context: Context, session: Session) -> list[str]:
    """Sources that fail, and sources that fell silent against their own history, a sentence each."""
    enabled = [source for source in context.config.sources if source.enabled]
    states = source_store.states(session, [source.id for source in enabled])
    failing = [
        f"{source.label} could not be read: {state.last_error}"
        for source in enabled
        if (state := states.get(source.id)) is not None and state.errors and state.last_error
    ]
    labels = {source.id: source.label for source in enabled}
    silent = [f"{labels[name]} has been silent for {length.days} days" for name, length in silences(context).items()]
    return failing + silent
