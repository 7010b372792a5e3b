"""`check` and `approve`: a person's yes, after the gates; typed addresses become picks first."""

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
from digest.publishing.checks import check_draft_links, find_warnings, require_passing
from digest.publishing.corrections import PUBLISHED_STATES, store_correction
from digest.publishing.links import LinkReport
from digest.text import hash_texts


def check_issue(
    context: Context, period: Period, *, accept_gaps: bool = False, should_check_links: bool = False
) -> Report:
    """Run the gates on the sheet as it lies there. Raises Refused with every reason and what mends it.

    `links` asks the links first; without it, and where there is no network, their last answers count.
    """
    with record_run(context, "check", period.name) as report:
        text, sheet = load_draft(context, period)
        typed = complete_draft(context, sheet)
        heard = _report_links(context, typed.draft, report) if should_check_links else None
        beside = find_warnings(context, period, typed.draft, text)
        require_passing(
            context,
            period,
            typed.draft,
            notices=beside,
            accept_gaps=accept_gaps,
            links=heard,
            unread=typed.unreadable_urls,
        )
        report.problems = [*report.problems, *beside]
        report.line = f"{period}: nothing stands in the way of approval"
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
    """Take the sheet as the issue: fetch typed addresses, run the gates, adopt every word, note who approved."""
    with record_run(context, "approve", period.name) as report:
        with context.db.read() as session:
            state = transition_state(get_issue(session, period.name).state, "approve", period.name)
        text, sheet = load_draft(context, period)
        save_editor_version(context, period, text)
        typed = complete_draft(context, sheet)
        settled = typed.draft
        heard = _report_links(context, settled, report) if should_check_links else None
        require_passing(
            context, period, settled, sign=sign, accept_gaps=accept_gaps, links=heard, unread=typed.unreadable_urls
        )
        text = render_draft(settled)
        write_documents(context.site_folder, [Document(f"_drafts/{period.name}.md", text.encode())])
        name = approver or context.config.newsletter.author
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            if state in PUBLISHED_STATES:
                store_correction(session, context, issue, text)
            else:
                base = find_newest_draft_version(session, period.name, "generated")
                save_draft_version(session, period.name, "approved", text, context.now)
                apply_draft_to_issue(session, issue, settled, parse_draft(base.text) if base else None, context.now)
            issue.state, issue.approved, issue.approved_by = state, context.now, name
            issue.draft_digest = hash_texts(text)
            if sign:
                sign_flagged_picks(session, issue.id, name, context.now)
            session.add(issue)
        picked = sum(1 for _ in settled.iter_picks())
        report.numbers = {"picks": picked}
        report.problems = [*report.problems, *find_warnings(context, period, settled, text)]
        how = ' --correct "what was wrong"' if state in PUBLISHED_STATES else ""
        report.line = f"{period}: approved by {name}, {picked} picks; `digest publish {period}{how}` publishes it"
    return report


def revoke_approval(context: Context, period: Period) -> Report:
    """Take an approval back, so that the issue may be edited; raises Refused when readers have it."""
    with record_run(context, "return", period.name) as report:
        with context.db.write() as session:
            issue = get_issue(session, period.name)
            issue.state = transition_state(issue.state, "return", period.name)
            session.add(issue)
        report.line = f"{period}: a draft again; `digest approve {period}` approves it"
    return report


def _report_links(context: Context, sheet: Draft, report: Report) -> LinkReport:
    """What the issue's links answer now; links that nobody could ask stand in nobody's way, but are told."""
    answers = check_draft_links(context, sheet)
    report.problems = [*report.problems, *filter(None, [answers.summary])]
    return answers


def complete_draft(context: Context, sheet: Draft) -> ResolvedDraft:
    """The sheet with ticked lines moved up, typed addresses fetched, and empty blurbs quoted."""
    titles = {category.slug: category.title for category in context.config.taxonomy.categories}
    with context.db.read() as session:
        settled = apply_marks(recover_editor_text(session, sheet), titles)
    typed = fetch_added_urls(context, settled)
    waiting = [pick.key for _, pick in typed.draft.iter_picks() if not pick.blurb and pick.origin == "source"]
    with context.db.read() as session:
        stored = load_items_by_key(session, waiting)
    picks = {key: build_pick(context.config, item, build_quoted_blurb(item)) for key, item in stored.items()}
    return replace(typed, draft=fill_missing_blurbs(typed.draft, picks))
