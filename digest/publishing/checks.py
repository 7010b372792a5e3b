"""Gathers what the gates look at: the sheet, and what the store and the ledger know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from digest.blurbs.grounding import check_grounding, prepare_grounding_source
from digest.context import Context
from digest.db.issues import find_issue, load_covered_in, load_picks
from digest.db.items import load_items_by_key
from digest.db.sources import load_source_states
from digest.drafts.checks import CheckProblem, ReleaseFacts, check_draft
from digest.drafts.lint import lint_draft
from digest.drafts.model import AddedUrl, Draft, DraftPick
from digest.drafts.storage import build_pick_rows, copy_issue_with_draft, get_draft_path
from digest.errors import CheckFailedError
from digest.files import load_template_overrides
from digest.ingest.fetch import find_stale_sources
from digest.models.issues import Issue, Pick
from digest.models.items import Item
from digest.periods import Period
from digest.publishing.corrections import PUBLISHED_STATES
from digest.publishing.links import LinkReport, check_links, collect_draft_links, load_link_report
from digest.publishing.render.email import format_size_warning, measure_html_size, render_email
from digest.publishing.view import build_issue_view


def find_problems(
    context: Context,
    period: Period,
    sheet: Draft,
    *,
    sign: bool = False,
    accept_gaps: bool = False,
    links: LinkReport | None = None,
    unread: Mapping[str, str] | None = None,
) -> list[CheckProblem]:
    """Everything that stands in the way of the issue; empty when it may go out.

    `links` is what was just heard of its links; without it their last answers count. `unread` are the typed addresses
    that could not be fetched, and why. What readers have seen already
    may be corrected whatever became of its works, links and sources since.
    """
    taxonomy = context.config.taxonomy
    keys = [pick.key for _, pick in sheet.iter_picks()]
    with context.db.read() as session:
        found = load_items_by_key(session, keys)
        issue = find_issue(session, period.name)
        seen = issue is not None and issue.state in PUBLISHED_STATES
        new = period.kind == "monthly" and not seen  # a review marks what was withdrawn since: it was published
        had = load_covered_in(session, period.name) if new else {}
        facts = ReleaseFacts(
            draft=_recheck_grounding(sheet, found) if new else sheet,
            unreadable_urls=unread or {},
            covered_in={key: had[item.id] for key, item in found.items() if item.id in had},
            signed_keys=keys if sign else _list_signed_keys(session, period, sheet),
            withdrawn={key: item.withdrawn.date() for key, item in found.items() if item.withdrawn and new},
            gaps=find_source_gaps(context, session),
            categories=taxonomy.slugs if period.kind == "monthly" else (),
            quotas={category.slug: category.quota for category in taxonomy.categories},
            mail_bytes=measure_mail_size(context, session, issue, period, sheet, found) if issue else 0,
            gaps_accepted=accept_gaps or not new,
        )
    if not seen:
        answers = links or load_link_report(context, collect_draft_links(context, sheet, found))
        facts = replace(facts, dead_links=answers.dead_links)
    return check_draft(facts)


def find_warnings(context: Context, period: Period, sheet: Draft, text: str) -> list[str]:
    """What stands in nobody's way: a mail that nears the length at which Gmail cuts it, and prose that will not look
    as it was meant, with its line in the sheet's `text`."""
    with context.db.read() as session:
        issue = find_issue(session, period.name)
        found = load_items_by_key(session, [pick.key for _, pick in sheet.iter_picks()])
        size = measure_mail_size(context, session, issue, period, sheet, found) if issue else 0
    place = get_draft_path(context, period).relative_to(context.root).as_posix()
    return [
        *filter(None, [format_size_warning(size)]),
        *(f"{place}, line {remark.line}: {remark.message}" for remark in lint_draft(text)),
    ]


def require_passing(
    context: Context,
    period: Period,
    sheet: Draft,
    target_state: str = "approved",
    notices: Sequence[str] = (),
    **options: Any,
) -> None:
    """Raise Refused with every reason why the issue may not `to_be`, and what mends each; `said` as for `problems`.

    What is `beside` them is told with them, and stands in nobody's way.
    """
    found = find_problems(context, period, sheet, **options)
    if found:
        told = [f"{problem.reason}\n    → {problem.command}" for problem in found]
        told += [f"(no obstacle) {one}" for one in notices]
        raise CheckFailedError(
            f"{period} cannot be {target_state} yet:\n  " + "\n  ".join(told), "mend these and say it again"
        )


def check_draft_links(context: Context, sheet: Draft) -> LinkReport:
    """Ask the links of a sheet whose last answer is missing or old."""
    with context.db.read() as session:
        found = load_items_by_key(session, [pick.key for _, pick in sheet.iter_picks()])
    return check_links(context, collect_draft_links(context, sheet, found))


def measure_mail_size(
    context: Context, session: Session, issue: Issue, period: Period, sheet: Draft, items: Mapping[str, Item]
) -> int:
    """How long the sheet is as a mail's HTML; a recap is mailed as its highlights and a link."""
    rows = [(row, items[pick.key]) for pick, row in build_pick_rows(sheet, items)]
    view = build_issue_view(session, context.config, copy_issue_with_draft(issue, sheet), period, context.now, rows)
    templates = load_template_overrides(context.template_folder)
    made = render_email(view, context.config.newsletter, templates=templates)
    return measure_html_size(made.html)


def _recheck_grounding(sheet: Draft, items: Mapping[str, Item]) -> Draft:
    """The sheet with a model's words held to their sources anew: a line about flags can be deleted from the file."""

    def entry(here: DraftPick | AddedUrl) -> DraftPick | AddedUrl:
        if isinstance(here, AddedUrl) or here.origin != "model" or here.flags or here.key not in items:
            return here
        item = items[here.key]
        doubts = check_grounding(here.blurb, prepare_grounding_source(item.title, item.summary, item.content))
        return replace(here, flags=tuple(map(str, doubts)))

    return replace(sheet, sections=tuple(replace(s, entries=tuple(map(entry, s.entries))) for s in sheet.sections))


def _list_signed_keys(session: Session, period: Period, sheet: Draft) -> set[str]:
    """The picks whose flagged words a person has signed, while the words are still those."""
    issue = find_issue(session, period.name)
    if issue is None:
        return set()
    rows: list[tuple[Pick, str]] = [(pick, item.key) for pick, item in load_picks(session, issue.id)]
    words = {pick.key: pick.blurb for _, pick in sheet.iter_picks()}
    return {key for pick, key in rows if pick.signed_by and words.get(key) == pick.blurb}


def find_source_gaps(context: Context, session: Session) -> list[str]:
    """Sources that fail, and sources that fell silent against their own history, a sentence each."""
    enabled = [source for source in context.config.sources if source.enabled]
    states = load_source_states(session, [source.id for source in enabled])
    failing = [
        f"{source.label} could not be read: {state.last_error}"
        for source in enabled
        if (state := states.get(source.id)) is not None and state.errors and state.last_error
    ]
    labels = {source.id: source.label for source in enabled}
    silent = [
        f"{labels[name]} has been silent for {length.days} days" for name, length in find_stale_sources(context).items()
    ]
    return failing + silent
