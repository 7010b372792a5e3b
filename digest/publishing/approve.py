"""Run the release checks on a draft, approve it, and take an approval back."""

from __future__ import annotations

from dataclasses import replace

from digest.blurbs.generate import build_quoted_blurb
from digest.context import Context, record_run
from digest.db.issues import find_newest_draft_version, get_issue, save_draft_version, sign_flagged_picks
from digest.db.items import load_items_by_key
from digest.drafts.edit import apply_marks, fill_missing_blurbs
from digest.drafts.editing import ResolvedDraft, fetch_added_urls
from digest.drafts.model import Draft
from digest.drafts.parser import parse_draft
from digest.drafts.propose import build_pick
from digest.drafts.storage import apply_draft_to_issue, load_draft, recover_editor_text, save_editor_version
from digest.drafts.workflow import transition_state
from digest.drafts.writer import render_draft
from digest.files import write_documents
from digest.periods import Period
from digest.protocols import Document, Report
from digest.publishing.checks import check_draft_links, check_release, require_passing
from digest.publishing.corrections import PUBLISHED_STATES, store_correction
from digest.publishing.links import LinkReport
from digest.text import hash_texts


def check_issue(
    context: Context, period: Period, *, accept_gaps: bool = False, should_check_links: bool = False
) -> Report:
    """Run the release checks. Raises CheckFailedError with every problem and its fix.

    Links are checked by their stored results, unless `should_check_links` requests them first.
    """
    with record_run(context, "check", period.name) as report:
        text, draft = load_draft(context, period)
        resolved = complete_draft(context, draft)
        check = check_release(
            context,
            period,
            resolved.draft,
            text=text,
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
            state = transition_state(get_issue(session, period.name).state, "approve", period.name)
        text, draft = load_draft(context, period)
        save_editor_version(context, period, text)
        resolved = complete_draft(context, draft)
        draft = resolved.draft
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
        write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", text.encode())])
        name = approver or context.config.newsletter.author
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            if state in PUBLISHED_STATES:
                store_correction(session, context, issue, text)
            else:
                base = find_newest_draft_version(session, period.name, "generated")
                save_draft_version(session, period.name, "approved", text, context.now)
                apply_draft_to_issue(session, issue, draft, parse_draft(base.text) if base else None, context.now)
            issue.state, issue.approved, issue.approved_by = state, context.now, name
            issue.draft_digest = hash_texts(text)
            if sign:
                sign_flagged_picks(session, issue.id, name, context.now)
            session.add(issue)
        picks = sum(1 for _ in draft.iter_picks())
        report.numbers = {"picks": picks}
        report.problems = [*report.problems, *check.warnings]
        option = ' --correct "what was wrong"' if state in PUBLISHED_STATES else ""
        report.line = f"{period}: approved by {name}, {picks} picks; `digest publish {period}{option}` publishes it"
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


def complete_draft(context: Context, draft: Draft) -> ResolvedDraft:
    """Move ticked candidates up, fetch added URLs, and quote the source where a blurb is empty."""
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    with context.db.read() as session:
        draft = apply_marks(recover_editor_text(session, draft), titles)
    resolved = fetch_added_urls(context, draft)
    keys = [pick.key for _, pick in resolved.draft.iter_picks() if not pick.blurb and pick.origin == "source"]
    with context.db.read() as session:
        items = load_items_by_key(session, keys)
    picks = {key: build_pick(context.config, item, build_quoted_blurb(item)) for key, item in items.items()}
    return replace(resolved, draft=fill_missing_blurbs(resolved.draft, picks))
