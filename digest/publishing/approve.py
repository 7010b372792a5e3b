"""Run the release checks on a draft, approve it, and take an approval back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlmodel import Session

from digest.context import Context, record_run
from digest.db.issues import get_issue, save_draft_version, sign_flagged_picks
from digest.drafts.edit import sign_all_verdicts
from digest.drafts.editing import apply_draft_marks, fetch_added_urls, fill_quoted_blurbs
from digest.drafts.model import Draft
from digest.drafts.storage import (
    apply_draft_to_issue,
    is_newest_version,
    load_base_draft,
    parse_draft_file,
    require_draft_text,
    write_draft_text,
)
from digest.drafts.workflow import transition_state
from digest.drafts.writer import render_draft
from digest.periods import Period
from digest.protocols import Report
from digest.publishing.checks import check_draft_links, check_release, require_passing
from digest.publishing.corrections import PUBLISHED_STATES, store_correction
from digest.publishing.links import LinkReport
from digest.text import format_count, hash_texts


@dataclass(frozen=True, slots=True)
class _LoadedDraft:
    """The draft's file, whether its text is the newest version, and its draft completed from the database."""

    text: str
    is_saved: bool
    draft: Draft


def check_issue(
    context: Context, period: Period, *, accept_gaps: bool = False, should_check_links: bool = False
) -> Report:
    """Run the release checks. Raises CheckFailedError with every problem and its fix.

    Links are checked by their stored results, unless `should_check_links` requests them first.
    """
    with record_run(context, "check", period.name) as report:
        with context.db.read() as session:
            loaded = _load_draft(context, session, period)
        resolved = fetch_added_urls(context, loaded.draft)
        check = check_release(
            context,
            period,
            resolved.draft,
            text=loaded.text,
            accept_gaps=accept_gaps,
            links=_report_links(context, resolved.draft, report) if should_check_links else None,
            unreadable_urls=resolved.unreadable_urls,
        )
        require_passing(period, check)
        report.problems = [*report.problems, *check.warnings]
        report.line = f"{period}: ready to be approved"
    return report


def approve_issue(
    context: Context,
    period: Period,
    *,
    approver: str = "",
    sign: bool = False,
    accept_gaps: bool = False,
    should_check_links: bool = False,
) -> Report:
    """Approve a draft: fetch added URLs, run the release checks, and apply it to the issue."""
    with record_run(context, "approve", period.name) as report:
        with context.db.read() as session:
            transition_state(get_issue(session, period.name).state, "approve", period.name)
            loaded = _load_draft(context, session, period)
        if not loaded.is_saved:  # a refused approval keeps the editor's version, too
            with context.db.write() as session:
                save_draft_version(session, period.name, "editor", loaded.text, context.now)
        resolved = fetch_added_urls(context, loaded.draft)
        draft = sign_all_verdicts(resolved.draft) if sign else resolved.draft
        text = render_draft(draft)
        check = check_release(
            context,
            period,
            draft,
            text=text,
            sign=sign,
            accept_gaps=accept_gaps,
            links=_report_links(context, draft, report) if should_check_links else None,
            unreadable_urls=resolved.unreadable_urls,
        )
        require_passing(period, replace(check, warnings=[]))
        name = approver or context.config.newsletter.author
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            state = transition_state(issue.state, "approve", period.name)
            write_draft_text(context, period, text)
            if state in PUBLISHED_STATES:
                store_correction(session, context, issue, text)
            else:
                save_draft_version(session, period.name, "approved", text, context.now)
                apply_draft_to_issue(session, issue, draft, load_base_draft(session, period.name), context.now)
            issue.state, issue.approved, issue.approved_by = state, context.now, name
            issue.draft_digest = hash_texts(text)
            if sign:
                sign_flagged_picks(session, issue.id, name, context.now)
            session.add(issue)
        picks = sum(1 for _ in draft.iter_picks())
        report.numbers = {"picks": picks}
        report.problems = [*report.problems, *check.warnings]
        option = ' --correct "what was wrong"' if state in PUBLISHED_STATES else ""
        report.line = f"{period}: approved by {name}, {format_count(picks, 'pick')}; `digest publish {period}{option}` publishes it"
    return report


def revoke_approval(context: Context, period: Period) -> Report:
    """Return an approved issue to its draft. Raises CheckFailedError after its publication."""
    with record_run(context, "return", period.name) as report:
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            issue.state = transition_state(issue.state, "return", period.name)
            session.add(issue)
        report.line = f"{period}: a draft again; `digest approve {period}` approves it"
    return report


def _report_links(context: Context, draft: Draft, report: Report) -> LinkReport:
    """Check the links now and report those without a result; these prevent nothing."""
    links = check_draft_links(context, draft)
    report.problems = [*report.problems, *filter(None, [links.summary])]
    return links


def _load_draft(context: Context, session: Session, period: Period) -> _LoadedDraft:
    """Load the draft's file, apply its marks, and quote the source where a blurb is missing."""
    text = require_draft_text(context, period)
    draft = apply_draft_marks(context, session, parse_draft_file(context, session, period, text))
    keys = [pick.key for _, pick in draft.iter_picks() if pick.lacks_blurb]
    draft = fill_quoted_blurbs(context, session, draft, keys)
    return _LoadedDraft(text, is_newest_version(session, period, text), draft)
