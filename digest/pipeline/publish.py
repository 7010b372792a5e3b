"""`publish`: an approved issue becomes a post, feeds and the site's lists. Publishing again changes no byte."""

from __future__ import annotations

from sqlmodel import Session

from digest import issues, render, site
from digest.errors import CheckFailedError
from digest.models import Issue
from digest.periods import Period
from digest.pipeline import corrections, frozen, ours
from digest.pipeline.context import Context, record_run
from digest.pipeline.gates import require_passing
from digest.pipeline.sheets import read_draft_text
from digest.pipeline.view import link_neighbours
from digest.ports import Document, IssueView, Report
from digest.store import issues as issue_store
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
                corrections.apply_correction(session, context, issue, correction)
            if correction is not None or issue.state not in corrections.PUBLISHED_STATES:
                issue.state = issues.transition_state(issue.state, "publish", period.name)
                frozen.create_snapshot(context, session, issue, is_correction=correction is not None)
        write_site(context, report, period.name)
    return report


def write_site(context: Context, report: Report, subject: str) -> None:
    """Write what differs of all published issues, and tell it."""
    with context.db.read() as session:
        documents, drawn = render_site_documents(context, session)
    changed, gone = ours.replace_site_files(context, documents, drawn)
    report.numbers |= {"files": len(documents), "changed": len(changed), "removed": len(gone)}
    report.line = f"{subject}: {len(changed)} of {len(documents)} files written" if changed else f"{subject}: unchanged"


def _require_passing_checks(context: Context, period: Period) -> None:
    """Raise Refused when something came between the approval and readers: a withdrawal, a link found dead."""
    with context.db.read() as session:
        issue = issue_store.get_issue(session, period.name)
        kept = issue_store.find_newest_draft_version(session, period.name, "approved")
    if issue.state == "approved" and issue.published is None and kept is not None:
        require_passing(context, period, issues.parse_draft(kept.text), "published", accept_gaps=True)


def _require_publishable(context: Context, session: Session, period: Period, correction: str | None) -> Issue:
    """The issue, when its state allows publication and the sheet is the one that was approved."""
    issue = issue_store.get_issue(session, period.name)
    issues.transition_state(issue.state, "publish" if correction is None else "correct", period.name)
    corrections.require_explanation(session, period, correction)
    text = read_draft_text(context, period)
    if text is not None and hash_texts(text) != issue.sheet_digest:
        raise CheckFailedError(
            f"{period}: the sheet was changed after it was approved", f"`digest approve {period}` approves it as it is"
        )
    if not issue_store.load_picks(session, issue.id or 0):
        raise CheckFailedError(
            f"{period}: the issue holds no picks", f"pick from the shortlist, then `digest approve {period}`"
        )
    return issue


def load_published_views(context: Context, session: Session, including: Period | None = None) -> list[IssueView]:
    """The views of all published issues, oldest first; `including` adds one that is not yet."""
    rows = issue_store.load_published_issues(session)
    if including is not None and including.name not in {issue.period for issue in rows}:
        rows.append(issue_store.get_issue(session, including.name))
    views = [frozen.load_issue_view(context, session, issue) for issue in rows]
    link_neighbours(views)
    return views


def render_site_documents(
    context: Context, session: Session, including: Period | None = None
) -> tuple[list[Document], list[str]]:
    """Every file we write into the site, from what is stored, and the paths of its pictures, drawn already or not.

    Pictures of charts as they once were stay among them: mails that went out show them.
    """
    config, views = context.config, load_published_views(context, session, including)
    own = site.load_template_overrides(context.template_folder)
    documents = [document for view in views for document in render.render_post_pages(view, config.newsletter, own)]
    documents += render.render_feeds(views, config.newsletter, config.site, config.taxonomy, own)
    cards, charts = (site.list_files(context.site_folder, f"assets/{kind}") for kind in ("cards", "charts"))
    documents += render.render_site_files(views, config.newsletter, config.site, config.taxonomy, [*cards, *charts])
    return documents, [*render.list_picture_paths(views, config.newsletter), *charts]
