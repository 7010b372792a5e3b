"""Gathers what the gates look at: the sheet, and what the store and the ledger know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from digest import grounding, issues, mail, render, site
from digest.errors import Refused
from digest.issues import AddedUrl, GateProblem, IssueFacts, Sheet, SheetPick
from digest.models import Issue, Item, Pick
from digest.periods import Period
from digest.pipeline import corrections
from digest.pipeline.context import Context
from digest.pipeline.fetch import silences
from digest.pipeline.links import Answers, check_links, known_links, links_of
from digest.pipeline.sheets import as_issue, pick_rows, sheet_path
from digest.pipeline.view import issue_view
from digest.store import issues as issue_store
from digest.store import items as item_store
from digest.store import sources as source_store


def problems(
    context: Context,
    period: Period,
    sheet: Sheet,
    *,
    sign: bool = False,
    accept_gaps: bool = False,
    links: Answers | None = None,
    unread: Mapping[str, str] | None = None,
) -> list[GateProblem]:
    """Everything that stands in the way of the issue; empty when it may go out.

    `links` is what was just heard of its links; without it their last answers count. `unread` are the typed addresses
    that could not be fetched, and why. What readers have seen already
    may be corrected whatever became of its works, links and sources since.
    """
    taxonomy = context.config.taxonomy
    keys = [pick.key for _, pick in sheet.picks()]
    with context.db.read() as session:
        found = item_store.by_keys(session, keys)
        issue = issue_store.find(session, period.name)
        seen = issue is not None and issue.state in corrections.SEEN
        new = period.kind == "monthly" and not seen  # a review marks what was withdrawn since: it was published
        had = issue_store.covered(session, period.name) if new else {}
        facts = IssueFacts(
            sheet=_doubted(sheet, found) if new else sheet,
            unread=unread or {},
            covered={key: had[item.id or 0] for key, item in found.items() if item.id in had},
            signed=keys if sign else _signed(session, period, sheet),
            withdrawn={key: item.withdrawn.date() for key, item in found.items() if item.withdrawn and new},
            gaps=gaps(context, session),
            categories=taxonomy.slugs if period.kind == "monthly" else (),
            quotas={category.slug: category.quota for category in taxonomy.categories},
            mail_bytes=mail_bytes(context, session, issue, period, sheet, found) if issue else 0,
            gaps_accepted=accept_gaps or not new,
        )
    if not seen:
        answers = links or known_links(context, links_of(context, sheet, found))
        facts = replace(facts, links=answers.bad)
    return issues.check(facts)


def warnings(context: Context, period: Period, sheet: Sheet, text: str) -> list[str]:
    """What stands in nobody's way: a mail that nears the length at which Gmail cuts it, and prose that will not look
    as it was meant, with its line in the sheet's `text`."""
    with context.db.read() as session:
        issue = issue_store.find(session, period.name)
        found = item_store.by_keys(session, [pick.key for _, pick in sheet.picks()])
        size = mail_bytes(context, session, issue, period, sheet, found) if issue else 0
    place = sheet_path(context, period).relative_to(context.root).as_posix()
    return [
        *filter(None, [mail.warning(size)]),
        *(f"{place}, line {remark.line}: {remark.message}" for remark in issues.remarks(text)),
    ]


def must_pass(
    context: Context,
    period: Period,
    sheet: Sheet,
    to_be: str = "approved",
    beside: Sequence[str] = (),
    **said: Any,
) -> None:
    """Raise Refused with every reason why the issue may not `to_be`, and what mends each; `said` as for `problems`.

    What is `beside` them is told with them, and stands in nobody's way.
    """
    found = problems(context, period, sheet, **said)
    if found:
        told = [f"{problem.reason}\n    → {problem.command}" for problem in found]
        told += [f"(no obstacle) {one}" for one in beside]
        raise Refused(f"{period} cannot be {to_be} yet:\n  " + "\n  ".join(told), "mend these and say it again")


def ask_links(context: Context, sheet: Sheet) -> Answers:
    """Ask the links of a sheet whose last answer is missing or old."""
    with context.db.read() as session:
        found = item_store.by_keys(session, [pick.key for _, pick in sheet.picks()])
    return check_links(context, links_of(context, sheet, found))


def mail_bytes(
    context: Context, session: Session, issue: Issue, period: Period, sheet: Sheet, found: Mapping[str, Item]
) -> int:
    """How long the sheet is as a mail's HTML; a recap is mailed as its highlights and a link."""
    rows = [(row, found[pick.key]) for pick, row in pick_rows(sheet, found)]
    view = issue_view(session, context.config, as_issue(issue, sheet), period, context.now, rows)
    templates = site.overrides(context.templates)
    made = render.email(view, context.config.newsletter, unsubscribe=mail.UNSUBSCRIBE, templates=templates)
    return mail.weight(made.html)


def _doubted(sheet: Sheet, found: Mapping[str, Item]) -> Sheet:
    """The sheet with a model's words held to their sources anew: a line about flags can be deleted from the file."""

    def entry(here: SheetPick | AddedUrl) -> SheetPick | AddedUrl:
        if isinstance(here, AddedUrl) or here.origin != "model" or here.flags or here.key not in found:
            return here
        item = found[here.key]
        doubts = grounding.check(here.blurb, grounding.source_of(item.title, item.summary, item.content))
        return replace(here, flags=tuple(map(str, doubts)))

    return replace(sheet, sections=tuple(replace(s, entries=tuple(map(entry, s.entries))) for s in sheet.sections))


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
