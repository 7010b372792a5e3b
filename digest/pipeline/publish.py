"""`publish`: an approved issue becomes a post, feeds and the site's lists. Publishing again changes no byte."""

from __future__ import annotations

from sqlmodel import Session

from digest import issues, render, site
from digest.errors import Refused
from digest.models import Issue
from digest.periods import Period
from digest.pipeline import corrections, frozen, ours
from digest.pipeline.context import Context, recorded
from digest.pipeline.gates import must_pass
from digest.pipeline.sheets import on_disk
from digest.pipeline.view import link_neighbours
from digest.ports import Document, IssueView, Report
from digest.store import issues as issue_store
from digest.text import hexdigest


def publish(context: Context, period: Period, *, correct: str | None = None, dry_run: bool = False) -> Report:
    """Publish an issue, or with `correct` what was wrong with a published one.

    The gates are asked once more before readers see it, links by their last answers; an approval has accepted gaps of
    the ledger. The store is told first, so that a crash in between is mended by running it again.
    """
    with recorded(context, "publish", period.name) as report:
        _gates(context, period)
        if dry_run:
            with context.db.read() as session:
                _publishable(context, session, period, correct)
                documents, _ = site_documents(context, session, including=period)
            report.line = f"{period}: would write {len(documents)} files"
            return report
        with context.db.write() as session:
            issue = _publishable(context, session, period, correct)
            if correct is not None:
                corrections.correct(session, context, issue, correct)
            if correct is not None or issue.state not in corrections.SEEN:
                issue.state = issues.move(issue.state, "publish", period.name)
                frozen.take(context, session, issue, again=correct is not None)
        write_site(context, report, period.name)
    return report


def write_site(context: Context, report: Report, subject: str) -> None:
    """Write what differs of all published issues, and tell it."""
    with context.db.read() as session:
        documents, drawn = site_documents(context, session)
    changed, gone = ours.replace(context, documents, drawn)
    report.numbers |= {"files": len(documents), "changed": len(changed), "removed": len(gone)}
    report.line = f"{subject}: {len(changed)} of {len(documents)} files written" if changed else f"{subject}: unchanged"


def _gates(context: Context, period: Period) -> None:
    """Raise Refused when something came between the approval and readers: a withdrawal, a link found dead."""
    with context.db.read() as session:
        issue = issue_store.existing(session, period.name)
        kept = issue_store.newest_sheet(session, period.name, "approved")
    if issue.state == "approved" and issue.published is None and kept is not None:
        must_pass(context, period, issues.parse(kept.text), "published", accept_gaps=True)


def _publishable(context: Context, session: Session, period: Period, correct: str | None) -> Issue:
    """The issue, when its state allows publication and the sheet is the one that was approved."""
    issue = issue_store.existing(session, period.name)
    issues.move(issue.state, "publish" if correct is None else "correct", period.name)
    corrections.must_say(session, period, correct)
    text = on_disk(context, period)
    if text is not None and hexdigest(text) != issue.sheet_digest:
        raise Refused(
            f"{period}: the sheet was changed after it was approved", f"`digest approve {period}` approves it as it is"
        )
    if not issue_store.picks(session, issue.id or 0):
        raise Refused(f"{period}: the issue holds no picks", f"pick from the shortlist, then `digest approve {period}`")
    return issue


def published_views(context: Context, session: Session, including: Period | None = None) -> list[IssueView]:
    """The views of all published issues, oldest first; `including` adds one that is not yet."""
    rows = issue_store.published(session)
    if including is not None and including.name not in {issue.period for issue in rows}:
        rows.append(issue_store.existing(session, including.name))
    views = [frozen.seen(context, session, issue) for issue in rows]
    link_neighbours(views)
    return views


def site_documents(
    context: Context, session: Session, including: Period | None = None
) -> tuple[list[Document], list[str]]:
    """Every file we write into the site, from what is stored, and the paths of its pictures, drawn already or not.

    Pictures of charts as they once were stay among them: mails that went out show them.
    """
    config, views = context.config, published_views(context, session, including)
    own = site.overrides(context.templates)
    documents = [document for view in views for document in render.pages(view, config.newsletter, own)]
    documents += render.feeds(views, config.newsletter, config.site, config.taxonomy, own)
    cards, charts = (site.names(context.site, f"assets/{kind}") for kind in ("cards", "charts"))
    documents += render.site_files(views, config.newsletter, config.site, config.taxonomy, [*cards, *charts])
    return documents, [*render.picture_paths(views, config.newsletter), *charts]
