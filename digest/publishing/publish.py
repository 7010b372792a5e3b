"""Publish an approved issue: its post, the feeds and the site's lists.

Publishing again changes no byte.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlmodel import Session

from digest.config.schema import Newsletter
from digest.context import Context, record_run
from digest.db.issues import find_newest_draft_version, get_issue, load_picks, load_published_issues
from digest.drafts.parser import parse_draft
from digest.drafts.storage import read_draft_text
from digest.drafts.workflow import transition_state
from digest.errors import CheckFailedError
from digest.files import list_changed_files, list_files, load_template_overrides
from digest.markdown.render import PICTURE_FOLDER
from digest.models.issues import Issue
from digest.periods import Period
from digest.plugins import load_plugin
from digest.protocols import Document, Report
from digest.publishing.blog import write_blog
from digest.publishing.checks import require_passing, run_release_checks
from digest.publishing.corrections import PUBLISHED_STATES, apply_correction, require_explanation
from digest.publishing.issue_view import IssueView
from digest.publishing.render.citations import render_citations
from digest.publishing.render.feeds import render_feeds
from digest.publishing.render.post import render_post_pages
from digest.publishing.render.site_data import list_picture_paths, render_site_files
from digest.publishing.site_files import load_site_manifest, replace_site_files
from digest.publishing.snapshot import create_snapshot, load_issue_view
from digest.publishing.view import link_neighbours
from digest.text import hash_texts

Renderer = Callable[[IssueView, Newsletter], list[Document]]  # a plug-in of `digest.renderers`; paths are below site/


def publish_issue(context: Context, period: Period, *, correction: str | None = None, dry_run: bool = False) -> Report:
    """Publish an issue, or correct a published one; `correction` says what was wrong.

    The release checks run again, with the stored results of link checks and with the gaps that the approval accepted.
    The database is written before the site, so that another run completes an interrupted one.
    """
    with record_run(context, "publish", period.name) as report:
        with context.db.read() as session:
            issue = get_issue(session, period.name)
            approved = find_newest_draft_version(session, period.name, "approved")
            if issue.state == "approved" and issue.published is None and approved is not None:
                draft = parse_draft(approved.text)
                check = run_release_checks(context, session, period, draft, accept_gaps=True)
                require_passing(period, check, "published")
        if dry_run:
            with context.db.read() as session:
                _require_publishable(context, session, period, correction)
                documents, _ = render_site_documents(context, load_published_views(context, session, period))
            changed = list_changed_files(context.site_folder, documents)
            report.numbers = {"files": len(documents), "changed": len(changed), "paths": changed}
            report.line = f"{period}: would write {len(changed)} of {len(documents)} files"
            return report
        with context.db.write() as session:
            issue = _require_publishable(context, session, period, correction)
            if correction is not None:
                apply_correction(session, context, issue, correction)
            if correction is not None or issue.state not in PUBLISHED_STATES:
                issue.state = transition_state(issue.state, "publish", period.name)
                create_snapshot(context, session, issue, is_correction=correction is not None)
        posts = [path for path in write_site(context, report, period.name) if path.startswith("_posts/")]
        if posts:
            named = f"site/{posts[0]}" if len(posts) == 1 else f"{len(posts)} posts in site/_posts"
            report.line += f"; wrote {named}; next: commit site/, then `digest send {period}`"
    return report


def write_site(context: Context, report: Report, subject: str) -> list[str]:
    """Write the changed files of all published issues, report them and return their paths."""
    with context.db.read() as session:
        views = load_published_views(context, session)
        manifest = load_site_manifest(session)
    documents, pictures = render_site_documents(context, views)
    written, removed = replace_site_files(context, manifest, documents, pictures)
    report.numbers |= {"files": len(documents), "changed": len(written), "removed": len(removed)}
    report.line = f"{subject}: {len(written)} of {len(documents)} files written" if written else f"{subject}: unchanged"
    if posts := write_blog(context, views):
        report.numbers["blog"] = posts
        report.line += f"; {', '.join(posts)} in {context.config.site.into}"
    return written


def _require_publishable(context: Context, session: Session, period: Period, correction: str | None) -> Issue:
    """Load the issue. Raises CheckFailedError unless its state allows it and the draft is the approved one."""
    issue = get_issue(session, period.name)
    transition_state(issue.state, "publish" if correction is None else "correct", period.name)
    require_explanation(session, period, correction)
    text = read_draft_text(context, period)
    if text is not None and hash_texts(text) != issue.draft_digest:
        raise CheckFailedError(
            f"{period}: the draft was changed after it was approved", f"`digest approve {period}` approves it as it is"
        )
    if not load_picks(session, issue.id) and not any(section.get("note") for section in issue.sections):
        hint = f"pick from the shortlist, then `digest approve {period}`"
        raise CheckFailedError(f"{period}: the issue has no picks", hint)
    return issue


def load_published_views(context: Context, session: Session, including: Period | None = None) -> list[IssueView]:
    """Load the views of all published issues, oldest first, and of one to be published."""
    issues = load_published_issues(session)
    if including is not None and including.name not in {issue.period for issue in issues}:
        issues.append(get_issue(session, including.name))
    views = [load_issue_view(context, session, issue) for issue in issues]
    link_neighbours(views)
    return views


def render_site_documents(context: Context, views: Sequence[IssueView]) -> tuple[list[Document], list[str]]:
    """Render every file of the site, and list the paths of its pictures, existing or new.

    Pictures of former charts are among them, because sent mails show them.
    """
    config = context.config
    templates = load_template_overrides(context.template_folder)
    documents = [document for view in views for document in render_post_pages(view, config.newsletter, templates)]
    for name in config.site.renderers:
        renderer: Renderer = load_plugin("digest.renderers", name)
        documents += [document for view in views for document in renderer(view, config.newsletter)]
    documents += render_feeds(views, config.newsletter, config.site, config.taxonomy, templates)
    cards, charts = (list_files(context.site_folder, f"assets/{kind}") for kind in ("cards", "charts"))
    documents += render_citations(views, config.newsletter, templates)
    documents += render_site_files(views, config.newsletter, config.site, config.taxonomy, [*cards, *charts])
    pictures = list_files(context.site_folder, PICTURE_FOLDER)
    return documents, [*list_picture_paths(views, config.newsletter), *charts, *pictures]
