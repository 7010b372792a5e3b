"""`publish`: an approved issue becomes a post, feeds and the site's lists. Publishing again changes no byte."""

from __future__ import annotations

from sqlmodel import Session

from digest.context import Context, record_run
from digest.db.issues import find_newest_draft_version, get_issue, load_picks, load_published_issues
from digest.drafts.parser import parse_draft
from digest.drafts.storage import read_draft_text
from digest.drafts.workflow import transition_state
from digest.errors import CheckFailedError
from digest.files import list_files, load_template_overrides
from digest.models.issues import Issue
from digest.periods import Period
from digest.protocols import Document, Report
from digest.publishing.checks import require_passing
from digest.publishing.corrections import PUBLISHED_STATES, apply_correction, require_explanation
from digest.publishing.issue_view import IssueView
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.post import render_post_pages
from digest.publishing.render.site_data import list_picture_paths, render_site_files
from digest.publishing.site_files import replace_site_files
from digest.publishing.snapshot import create_snapshot, load_issue_view
from digest.publishing.view import link_neighbours
from digest.text import hash_texts


def publish_issue(context: Context, period: Period, *, correction: str | None = None, dry_run: bool = False) -> Report:
    """Publish an issue, or with `correct` what was wrong with a published one.

    The gates are asked once more before readers see it, links by their last answers; an approval has accepted gaps of
    the ledger. The store is told first, so that a crash in between is mended by running it again.
    """
    with record_run(context, "publish", period.name) as report:
        _require_passing_checks(context, period)
        if dry_run:
            with context.db.read() as session:
                _require_publishable(context, session, period, correction)
                documents, _ = render_site_documents(context, session, including=period)
            report.line = f"{period}: would write {len(documents)} files"
            return report
        with context.db.write() as session:
            issue = _require_publishable(context, session, period, correction)
            if correction is not None:
                apply_correction(session, context, issue, correction)
            if correction is not None or issue.state not in PUBLISHED_STATES:
                issue.state = transition_state(issue.state, "publish", period.name)
                create_snapshot(context, session, issue, is_correction=correction is not None)
        write_site(context, report, period.name)
    return report


def write_site(context: Context, report: Report, subject: str) -> None:
    """Write what differs of all published issues, and tell it."""
    with context.db.read() as session:
        documents, drawn = render_site_documents(context, session)
    changed, gone = replace_site_files(context, documents, drawn)
    report.numbers |= {"files": len(documents), "changed": len(changed), "removed": len(gone)}
    report.line = f"{subject}: {len(changed)} of {len(documents)} files written" if changed else f"{subject}: unchanged"


def _require_passing_checks(context: Context, period: Period) -> None:
    """Raise Refused when something came between the approval and readers: a withdrawal, a link found dead."""
    with context.db.read() as session:
        issue = get_issue(session, period.name)
        kept = find_newest_draft_version(session, period.name, "approved")
    if issue.state == "approved" and issue.published is None and kept is not None:
        require_passing(context, period, parse_draft(kept.text), "published", accept_gaps=True)


def _require_publishable(context: Context, session: Session, period: Period, correction: str | None) -> Issue:
    """The issue, when its state allows publication and the sheet is the one that was approved."""
    issue = get_issue(session, period.name)
    transition_state(issue.state, "publish" if correction is None else "correct", period.name)
    require_explanation(session, period, correction)
    text = read_draft_text(context, period)
    if text is not None and hash_texts(text) != issue.draft_digest:
        raise CheckFailedError(
            f"{period}: the sheet was changed after it was approved", f"`digest approve {period}` approves it as it is"
        )
    if not load_picks(session, issue.id):
        raise CheckFailedError(
            f"{period}: the issue holds no picks", f"pick from the shortlist, then `digest approve {period}`"
        )
    return issue


def load_published_views(context: Context, session: Session, including: Period | None = None) -> list[IssueView]:
    """The views of all published issues, oldest first; `including` adds one that is not yet."""
    rows = load_published_issues(session)
    if including is not None and including.name not in {issue.period for issue in rows}:
        rows.append(get_issue(session, including.name))
    views = [load_issue_view(context, session, issue) for issue in rows]
    link_neighbours(views)
    return views


def render_site_documents(
    context: Context, session: Session, including: Period | None = None
) -> tuple[list[Document], list[str]]:
    """Every file we write into the site, from what is stored, and the paths of its pictures, drawn already or not.

    Pictures of charts as they once were stay among them: mails that went out show them.
    """
    config, views = context.config, load_published_views(context, session, including)
    own = load_template_overrides(context.template_folder)
    documents = [document for view in views for document in render_post_pages(view, config.newsletter, own)]
    documents += render_feeds(views, config.newsletter, config.site, config.taxonomy, own)
    cards, charts = (list_files(context.site_folder, f"assets/{kind}") for kind in ("cards", "charts"))
    documents += render_site_files(views, config.newsletter, config.site, config.taxonomy, [*cards, *charts])
    return documents, [*list_picture_paths(views, config.newsletter), *charts]
